"""Devices that were never here before: what becomes of them is the household's choice (the setting new_devices).

`nothing`: nobody looks. `told`: they are shown as new until somebody adds or knows them. `protected`: each is added and
protection turned on, never history; those beyond what a day takes are shown as new. `held`: they are shown as new, and
the kernel lets nothing of theirs out until somebody adds or knows them. Whoever is in sight when something else than
`nothing` is chosen is known. What is stored of those who are known and were not added is a salted hash; with `nothing`
it goes. Guests are left alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from agent.control.messages import Row
from agent.core import jsontext
from agent.core.model import BadInput, Device
from agent.core.settings import Settings
from agent.daemon.clock import Clock
from agent.daemon.edges import Edges
from agent.daemon.store.state import State
from agent.platform.hashing import sha256
from agent.platform.printable import blank, printable

NOTHING, TOLD, PROTECTED, HELD = "nothing", "told", "protected", "held"
ACTOR = "new_devices"
STORED = "known devices"  # in meta: {"mode", "salt", "known"}
KNOWN_MAX = 1000  # some 20 kB; more than any home has
HASH_BYTES = 8
# Whoever makes up addresses fills neither the ledger nor the places of the kernel's map.
DAY_MAX, DEVICES_MAX, HELD_MAX = 10, 150, 2048
DAY_S = 86400
LABEL_MAX = 48


class Arrivals:
    """`begin(device)` turns protection on; `is_guest(mac)` says that it is in a guest network; `again` brings the
    kernel into step with `held`."""

    def __init__(
        self,
        state: State,
        settings: Settings,
        clock: Clock,
        edges: Edges,
        begin: Callable[[Device], None],
        is_guest: Callable[[bytes], bool],
        noted: Callable[[], None],
        again: Callable[[], None],
    ) -> None:
        self._state = state
        self._settings = settings
        self._clock = clock
        self._edges = edges
        self._again = again
        self._begin = begin
        self._is_guest = is_guest
        self._noted = noted
        self.waiting: list[bytes] = []  # new, and not added
        self._held: frozenset[bytes] = frozenset()  # as the kernel was told
        self._added: list[int] = []  # the household's age at each
        self._ours: set[bytes] = set()
        stored = jsontext.loads(state.meta(STORED, "{}"))
        self._mode = str(stored.get("mode", NOTHING))
        self._salt = bytes.fromhex(stored.get("salt", ""))
        self._known: list[str] | None = stored.get("known")

    @property
    def mode(self) -> str:
        return self._settings.text("new_devices")

    @property
    def protects(self) -> bool:
        """By an address nobody is known to be new."""
        return self.mode == PROTECTED and self._settings.text("identity") == "mark"

    @property
    def held(self) -> frozenset[bytes]:
        """Of whom nothing goes out, because nobody knows them."""
        if self.mode != HELD or self._settings.text("identity") != "mark":
            return frozenset()
        # Who is held stays so, however many others come.
        return frozenset(sorted(self.waiting, key=lambda mac: (mac not in self._held, mac))[:HELD_MAX])

    def changed(self, actor: str) -> None:
        """Act on a changed setting; `actor` is who changed it, or the settings file at a start."""
        before, mode = self._mode, self.mode
        if mode == before:
            return
        self._state.ledger.append([("", "", "arrivals", 0, f"new_devices:{before}>{mode}")], actor, self._clock.wall())
        self._mode = mode
        if mode == NOTHING:
            self._known, self.waiting = None, []
        self._save()
        self._noted()
        self.look()
        self._hold()

    def look(self) -> None:
        """Who is here and was not before."""
        self.changed("settings")
        if self.mode == NOTHING:
            return
        here = {mac: row for mac, row in self._edges.neighbours_seen() if self._edges.interfaces_of(mac)}
        ours = {device.mac for device in self._state.devices() if device.mac is not None}
        gone, self._ours = self._ours - ours, ours
        if self._known is None:
            self._salt = os.urandom(16)
            self._know(here)
        elif gone:
            self._know(gone)  # whoever was removed was here before
        new = [mac for mac in sorted(here) if mac not in ours and not self._is_known(mac) and not self._is_guest(mac)]
        if new and self.protects:
            new = [mac for mac in new if not self._protect(mac, here[mac])]
        if new != self.waiting:
            self.waiting = new
            self._edges.publish({"event": "device"})
        self._hold()

    def know(self, macs: list[bytes]) -> None:
        """Somebody knows these: they are new no more."""
        if self._known is not None:
            self._know(macs)
        self.waiting = [mac for mac in self.waiting if mac not in macs]
        self._edges.publish({"event": "device"})
        self._hold()

    def stored(self) -> str:
        """For a state that is brought back in place of this one: who was told apart here stays so. Whoever was added
        here and is not there was here before."""
        if self._known is not None:
            self._know([device.mac for device in self._state.devices() if device.mac is not None])
        return self._state.meta(STORED, "")

    def _hold(self) -> None:
        held = self.held
        if held != self._held:
            self._again()
            self._held = held

    def _know(self, macs: set[bytes] | list[bytes] | dict[bytes, Row]) -> None:
        known = self._known or []
        self._known = (known + [key for key in map(self._key, sorted(macs)) if key not in known])[-KNOWN_MAX:]
        self._save()

    def _save(self) -> None:
        stored = {"mode": self._mode, "salt": self._salt.hex(), "known": self._known}
        self._state.put_meta(STORED, jsontext.dumps(stored if self._known is not None else {"mode": self._mode}))

    def _is_known(self, mac: bytes) -> bool:
        return self._known is not None and self._key(mac) in self._known

    def _key(self, mac: bytes) -> str:
        return sha256(self._salt + mac)[:HASH_BYTES].hex()

    def _protect(self, mac: bytes, row: Row) -> bool:
        """Whether it was added. One that seems to be a device of ours with another address is offered there instead."""
        age = self._clock.age()
        self._added = [at for at in self._added if age - DAY_S < at <= age]
        devices = self._state.devices()
        if len(self._added) >= DAY_MAX or len(devices) >= DEVICES_MAX or self._moved(mac, devices):
            return False
        try:
            device = self._state.add_device(
                self._label(mac, row, devices), mac, None, None, False, ACTOR, self._clock.wall()
            )
        except BadInput:
            return False
        self._added.append(age)
        self._ours.add(mac)
        self._begin(device)
        self._edges.publish({"event": "device", "device_id": device.id})
        return True

    def _moved(self, mac: bytes, devices: list[Device]) -> bool:
        troubles = [self._edges.unseen(device).get("moved") for device in devices]
        return any(isinstance(moved, dict) and moved.get("mac") == mac.hex(":") for moved in troubles)

    @staticmethod
    def _label(mac: bytes, row: Row, devices: list[Device]) -> str:
        name = str(row.get("hostname") or "")
        if blank(name) or not printable(name) or len(name) > LABEL_MAX:
            name = "New device"
        taken = {device.label for device in devices}
        return name if name not in taken and name != "New device" else f"{name} {mac[-2:].hex(':')}"
