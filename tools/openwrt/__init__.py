"""Builds the router's packages without the OpenWrt SDK, and images that try them in QEMU."""
