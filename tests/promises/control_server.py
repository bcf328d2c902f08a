"""The daemon's control server, asked as on the connection of a role, and a household of a child and an adult."""

import json
import time
from typing import Any

from agent.daemon.control import ControlServer
from agent.daemon.household import Household
from agent.daemon.loop import Loop
from agent.platform import sodium
from tests.control.shapes import wrong
from tests.promises.household import Home, observe

TABLET, LAPTOP = "127.0.0.2", "127.0.0.3"  # Mia's, a child; Anna's, an adult
PIN = "4711"


class Server:
    """`ask` drives an operation to its end."""

    def __init__(self, household: Household, path: str) -> None:
        self.control = ControlServer(Loop(), household, path)

    def ask(self, role: str, **request: object) -> dict[str, Any]:
        reply: Any = self.control.perform(json.loads(json.dumps(request)), role)
        while not isinstance(reply, dict):
            try:
                time.sleep(next(reply) or 0)
            except StopIteration as done:
                reply = done.value
        assert "ok" not in reply or not wrong(str(request["op"]), reply["ok"])
        return reply


def two_people(home: Home) -> Home:
    """The child's history is on, with a visit."""
    home.start()
    for name, group, address in (("Mia", "child", TABLET), ("Anna", "adult", LAPTOP)):
        person = home.ask("person.add", name=name, group=group)["id"]
        home.ask("device.add", label=name, address=address, person_id=person)
    home.ask("on", device_id=1, feature="history", agree=1)
    observe(home.household, TABLET, b"www.wikipedia.org")
    home.household.recorder.flush()
    return home


def stored(secret: str) -> str:
    """As the web job stores it."""
    return sodium.load().hash_password(secret.encode())


def code(reply: dict[str, Any]) -> str:
    return str(reply["error"]["code"]) if "error" in reply else "ok"
