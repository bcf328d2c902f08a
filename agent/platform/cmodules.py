"""The C modules behind `socket` and `signal`, for the guard, which stays for ever: their Python halves make an enum of
every constant, which takes 1.2 MB. What the guard uses of them has the same names in both.
"""

try:
    import _signal as signal  # type: ignore[import-not-found]
    import _socket as socket
except ImportError:
    import signal
    import socket  # type: ignore[no-redef]

__all__ = ["signal", "socket"]
