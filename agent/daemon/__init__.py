"""The resident process: one poll loop and the edges it talks to, one file each."""
