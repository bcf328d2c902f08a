"""Development tools; the scripts here are run, the modules imported by them and by tests."""
