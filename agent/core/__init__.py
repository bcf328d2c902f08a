"""Values in, values out: no clock, no randomness, no file, no socket, no global state."""
