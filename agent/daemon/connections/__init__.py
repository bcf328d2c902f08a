"""Judging connections by what they open with."""
