"""The block lists from the daemon's side: which are due, and which compiled set is in use."""
