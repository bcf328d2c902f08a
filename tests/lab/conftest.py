"""Fixtures of the lab."""

from tests.lab.fixtures import agent, lab, resident, site

__all__ = ["agent", "lab", "resident", "site"]
