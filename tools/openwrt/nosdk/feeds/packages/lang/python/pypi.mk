# Stands in for the packages feed's pypi.mk: the source archive comes through pip, its hash is checked, and its package
# folder is what gets installed (enough for pure Python packages). PYPI_CACHE is where archives are kept.
PYPI_CACHE?=$(STAGE)/pypi
PYPI_ARCHIVE=$(PYPI_CACHE)/$(PYPI_NAME)-$(PKG_VERSION).tar.gz
PKG_BUILD_DIR=$(BUILD_DIR)/$(PYPI_NAME)-$(PKG_VERSION)

define Build/Prepare/Pypi
	[ -e $(PYPI_ARCHIVE) ] || $(HOST_PYTHON3_BIN) -m pip download -q --no-deps --no-binary :all: \
		-d $(PYPI_CACHE) $(PYPI_NAME)==$(PKG_VERSION)
	echo "$(PKG_HASH)  $(PYPI_ARCHIVE)" | sha256sum -c --quiet
	tar -xzf $(PYPI_ARCHIVE) -C $(BUILD_DIR)
endef

define Build/Compile/Pypi
	$(INSTALL_DIR) $(PKG_INSTALL_DIR)$(PYTHON3_PKG_DIR)
	$(CP) $(PKG_BUILD_DIR)/$(PYPI_NAME) $(PKG_INSTALL_DIR)$(PYTHON3_PKG_DIR)/
endef
