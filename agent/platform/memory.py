"""How much memory the system has, and how much of it is to be had, as Linux tells; None where it does not."""


def total_bytes() -> int | None:
    return _field(b"MemTotal:")


def available_bytes() -> int | None:
    """Without swapping, what others keep only for speed included."""
    return _field(b"MemAvailable:")


def _field(name: bytes) -> int | None:
    try:
        with open("/proc/meminfo", "rb") as file:
            for line in file:
                if line.startswith(name):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None
