"""Sealed summaries from the daemon's side: whether they are agreed to, what was spent, and the queue."""
