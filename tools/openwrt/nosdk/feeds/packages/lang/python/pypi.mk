# Stands in for the packages feed's pypi.mk: the source archive is unpacked already, at $(PYPI_SOURCES)/NAME-VERSION.
PKG_BUILD_DIR=$(BUILD_DIR)/$(PYPI_NAME)-$(PKG_VERSION)
