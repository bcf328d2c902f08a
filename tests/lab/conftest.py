"""Fixtures of the lab."""

from tests.lab.fixtures import agent, lab, resident

__all__ = ["agent", "lab", "resident"]
