"""privacy-agent: parental controls and real-time protection that stay on the home router."""

__version__ = "0.1.0"
