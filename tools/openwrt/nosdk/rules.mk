# Stands in for OpenWrt's rules.mk when tools/build-ipk reads a feed Makefile without the SDK.
# STAGE is where everything is put; nothing outside it is written.
INCLUDE_DIR:=$(TOPDIR)/include
STAGING_DIR:=$(STAGE)/staging
BUILD_DIR:=$(STAGE)/build
PKG_BUILD_DIR=$(BUILD_DIR)/$(PKG_NAME)-$(PKG_VERSION)
PKG_INSTALL_DIR=$(PKG_BUILD_DIR)/ipkg-install

SHELL:=/bin/sh
CP:=cp -fpR
LN:=ln -sf
SED:=sed -i -e
FIND:=find
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_DATA:=install -m0644
INSTALL_CONF:=install -m0600
HOST_PYTHON3_BIN?=python3
