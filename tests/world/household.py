"""A real daemon with a tablet whose history and protection are on, asked over DNS as the tablet asks."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

from tests.promises.running import TABLET, Running, query
from tests.world.lists import until

CONSOLE = "127.0.0.3"


class World:
    def __init__(self, folder: Path, **settings: object) -> None:
        self.running = Running(folder, **settings)
        self.client = self.running.client()
        self.numbers = 0
        for label, address in (("tablet", TABLET), ("console", CONSOLE)):
            self.client.call("device.add", label=label, address=address)
        for device in (1, 2):
            for feature in ("history", "protection"):
                self.client.call("on", device_id=device, feature=feature, agree=1)

    def ask(self, *names: str, source: str = TABLET) -> None:
        """Each name is asked, and its answer awaited, so that the order is this one."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.bind((source, 0))
            asker.connect(("127.0.0.1", self.running.port))
            asker.settimeout(10)
            for name in names:
                self.numbers += 1
                asker.send(query(name, self.numbers))
                asker.recv(2048)

    def rows(self, op: str, **arguments: object) -> list[dict]:
        items: list[dict] = self.client.call(op, **{"device_id": 1, "limit": 200, **arguments})["items"]
        return items

    def close(self) -> None:
        self.client.close()
        self.running.stop()


@contextlib.contextmanager
def world(folder: Path, **settings: object) -> Iterator[World]:
    made = World(folder, **settings)
    try:
        yield made
    finally:
        made.close()


__all__ = ["CONSOLE", "TABLET", "World", "until", "world"]
