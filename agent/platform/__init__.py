"""What differs between interpreters and systems."""
