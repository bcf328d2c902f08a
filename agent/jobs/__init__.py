"""Processes that are started when needed and exit when done."""
