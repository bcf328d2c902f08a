"""The resident process: one poll loop, and a folder for each kind of outside thing it talks to."""
