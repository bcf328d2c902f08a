"""The C modules behind `socket` and `signal`, for guard and daemon, which stay for ever: their Python halves make an
enum of every constant, which takes 1.2 MB. What is used of them has the same names in both, but for `accept`.
"""

MYPY = False
if MYPY:
    import signal
    import socket
else:
    try:
        import _signal as signal
        import _socket as socket
    except ImportError:
        import signal
        import socket

__all__ = ["accept", "signal", "socket"]


def accept(listener: socket.socket) -> "tuple[socket.socket, tuple[str, int]]":
    """A connection, and who made it, as `listener.accept()`. OSError."""
    fd, source = listener._accept()  # type: ignore[attr-defined]  # of the module in C
    return socket.socket(listener.family, listener.type, listener.proto, fd), source
