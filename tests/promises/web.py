"""A real daemon with its web page, for attacks that come in there: a parent signed in, a child's device with a PIN."""

from pathlib import Path

from tests.jobs.daemon import Daemon
from tests.jobs.web_peer import PASSWORD, Client

CHILD, ADULT = "127.0.0.2", "127.0.0.3"
PIN = "4711"


class Attacked:
    def __init__(self, folder: Path, **settings: object) -> None:
        self.daemon = Daemon(folder, **settings)
        self.parent = Client(self.daemon.web)
        code = self.daemon.ask("setup.code")["code"]
        assert self.parent.ask("POST", "/api/v1/setup", {"code": code, "password": PASSWORD}).status == 201
        self.devices: dict[str, int] = {}
        for name, group, address in (("Mia", "child", CHILD), ("Anna", "adult", ADULT)):
            person = self.daemon.ask("person.add", name=name, group=group)["id"]
            added = self.daemon.ask("device.add", label=name, address=address, person_id=person)
            self.devices[address] = added["id"]

    def code(self, address: str) -> str:
        path = f"/api/v1/devices/{self.devices[address]}/pin-code"
        made = self.parent.ask("POST", path)
        if made.status == 403:  # it replaces a PIN
            self.parent.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD})
            made = self.parent.ask("POST", path)
        assert made.status == 201
        code: str = made.json["code"]
        return code

    def person(self, address: str) -> Client:
        """Whoever is at that device, after setting a PIN."""
        client = Client(self.daemon.web, source=address)
        client.ask("GET", "/api/v1/me")
        assert client.ask("POST", "/api/v1/me/pin", {"code": self.code(address), "pin": PIN}).status == 201
        return client

    @property
    def log(self) -> str:
        return (self.daemon.folder / "log").read_text()

    def stop(self) -> None:
        self.daemon.stop()
        assert self.daemon.process.returncode == 0
