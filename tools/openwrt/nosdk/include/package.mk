# Stands in for OpenWrt's package.mk: BuildPackage writes a package's fields and scripts, as make understands them,
# to $(STAGE)/packages/NAME, and `make stage` fills its root there. Packing is tools/openwrt/ipk.py's.
NOSDK_FIELDS:=TITLE DEPENDS SECTION URL USERID PKGARCH CONFLICTS PROVIDES
NOSDK_PARTS:=conffiles description preinst postinst prerm postrm

define Build/Prepare
$(if $(PYPI_NAME),$(Build/Prepare/Pypi))
endef
define Build/Compile
$(if $(PYPI_NAME),$(Build/Compile/Pypi))
endef

.PHONY: stage nosdk-build
stage:

nosdk-build:
	$(INSTALL_DIR) $(PKG_BUILD_DIR) $(PKG_INSTALL_DIR)
	$(call Build/Prepare)
	$(call Build/Compile)

# The sub-define of a field line such as "TITLE:=…" is evaluated as make text, as the SDK does it.
# NAME-src packages, which Py3Package makes in the SDK, are left out here.
BuildPackage=$(if $(filter %-src,$(1)),,$(call NosdkPackage,$(1)))

define NosdkPackage
$(foreach field,$(NOSDK_FIELDS),$(eval $(field):=))
$(eval $(call Package/$(1)))
$(shell mkdir -p $(STAGE)/packages/$(1)/root)
$(file >$(STAGE)/packages/$(1)/fields,PACKAGE=$(1)
VERSION=$(PKG_VERSION)-r$(PKG_RELEASE)
SOURCE_NAME=$(PKG_NAME)
LICENSE=$(PKG_LICENSE)
LICENSE_FILES=$(PKG_LICENSE_FILES)
MAINTAINER=$(PKG_MAINTAINER)
$(foreach field,$(NOSDK_FIELDS),$(field)=$($(field))
))
$(foreach part,$(NOSDK_PARTS),$(if $(value Package/$(1)/$(part)),$(file >$(STAGE)/packages/$(1)/$(part),$(call Package/$(1)/$(part)))))
stage: nosdk-$(1)
.PHONY: nosdk-$(1)
nosdk-$(1): nosdk-build
	$$(call Package/$(1)/install,$(STAGE)/packages/$(1)/root)
endef
