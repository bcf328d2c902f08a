"""What the daemon holds of the kernel: its own nftables table, the packets that come up, and who is on the LAN."""
