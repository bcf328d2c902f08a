# Stands in for LuCI's luci.mk: htdocs/ is installed below /www, root/ below /. Translations are built in the SDK only.
# PKG_MAINTAINER is not read there either.
PKG_MAINTAINER:=$(or $(LUCI_MAINTAINER),OpenWrt LuCI community)

include $(INCLUDE_DIR)/package.mk

define Package/$(PKG_NAME)
  SECTION:=luci
  CATEGORY:=LuCI
  TITLE:=$(LUCI_TITLE)
  URL:=$(LUCI_URL)
  DEPENDS:=$(LUCI_DEPENDS)
  PKGARCH:=$(LUCI_PKGARCH)
endef

define Package/$(PKG_NAME)/description
 $(LUCI_TITLE)
endef

# As LuCI's own does it: rpcd learns of the new object, the menu of the new page.
define Package/$(PKG_NAME)/postinst
#!/bin/sh
[ -n "$${IPKG_INSTROOT}" ] && exit 0
rm -f /tmp/luci-indexcache.*
rm -rf /tmp/luci-modulecache/
[ -x /etc/init.d/rpcd ] && /etc/init.d/rpcd reload
exit 0
endef

define Package/$(PKG_NAME)/install
	$(INSTALL_DIR) $(1)/www
	$(CP) ./htdocs/. $(1)/www/
	$(CP) ./root/. $(1)/
endef

$(eval $(call BuildPackage,$(PKG_NAME)))
