"""The local web UI and its API, served by a job of its own user."""
