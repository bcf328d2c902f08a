# Stands in for the packages feed's python3-package.mk. Modules stay sources here: build-ipk compiles them.
PYTHON3_VERSION?=3.11
PYTHON3:=python$(PYTHON3_VERSION)
PYTHON3_PKG_DIR:=/usr/lib/python$(PYTHON3_VERSION)/site-packages

# Of a filespec only its removals ("-|path") count: what is installed is all of PYTHON3_PKG_DIR anyway.
define Py3Package
  define Package/$(1)/install
	$$(call Py3Package/$(1)/install,$$(1))
	if [ -d $$(PKG_INSTALL_DIR)$(PYTHON3_PKG_DIR) ]; then \
		$(INSTALL_DIR) $$(1)$(PYTHON3_PKG_DIR); \
		$(CP) $$(PKG_INSTALL_DIR)$(PYTHON3_PKG_DIR)/. $$(1)$(PYTHON3_PKG_DIR)/; \
	fi
	$$(foreach path,$$(patsubst -|%,%,$$(filter -|%,$$(Py3Package/$(1)/filespec))),rm -rf "$$(1)$$(path)";)
  endef
endef
