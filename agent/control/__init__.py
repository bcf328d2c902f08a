"""What can be asked of the daemon: one table for the daemon, the web API, the command line and LuCI's plugin."""
