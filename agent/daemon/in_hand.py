"""What operations keep in memory from one request to the next; a restart begins all of it anew."""


class OneTimeCode:
    """A code that is shown once and used once. `tries` counts wrong ones."""

    def __init__(self, code: str, until_age: int) -> None:
        self.code = code
        self.until_age = until_age
        self.tries = 0


class InHand:
    """`restoring`: a backup on its way in, rows so far. `replaced`: (new file, old file) of one that is to be put in
    place after the databases closed. `unlocked`: a history of before a reboot that is to be put to the one of now."""

    def __init__(self) -> None:
        self.setup_code: OneTimeCode | None = None  # of the web page's first run
        self.time_code: OneTimeCode | None = None  # for more time at a device
        self.restoring: list[tuple[str, list[object]]] | None = None
        self.replaced: list[tuple[str, str]] = []
        self.unlocked = ""
