"""Which lists, categories, services and modes of safe search apply to each device today, and what that takes."""

from __future__ import annotations

import os
from collections.abc import Callable

from agent.core.content import CATEGORY_IDS, Content
from agent.core.list_masks import filtering, protecting
from agent.core.model import BadInput, Device, Sentence, said_by
from agent.core.policy import Policy, View
from agent.core.services import Service, Services, blocked_at, each_service
from agent.core.settings import Settings
from agent.core.timezone import Zone
from agent.daemon.lists.loaded import LoadedLists
from agent.daemon.store.content_rows import ContentRows
from agent.daemon.store.owners import DEVICE, HOUSEHOLD, PERSON, Owner, owner_of
from agent.platform.installed import data_dir

FILE = "services.json"


class DeviceContent:
    """`wall()` and `zone()` tell the time by which services are blocked.

    A person's rules follow them to each device of theirs that nobody else uses; a shared device has its own.
    """

    def __init__(
        self,
        rows: ContentRows,
        lists: LoadedLists,
        settings: Settings,
        wall: Callable[[], int],
        zone: Callable[[], Zone],
    ) -> None:
        self._rows = rows
        self._lists = lists
        self._settings = settings
        self._all: dict[Owner, Content] = {}
        self._known: dict[str, Service] = {}
        self.services = Services({})
        self._wall = wall
        self._zone = zone
        self._told: dict[Owner, tuple[str, ...]] = {}  # what was blocked when that was last decided
        self.trouble: str | Sentence = ""

    def read(self) -> None:
        """What is in force from here on."""
        self._all = self._rows.all()
        wanted = [id for content in self._all.values() for id in content.services]
        groups = [id for content in self._all.values() for id in content.categories]
        chosen = self._table(lambda one: one.id in wanted or one.group in groups) if wanted or groups else []
        self._known = {one.id: one for one in chosen}
        self.services = Services(self._known)
        self._told = self._now()

    def _now(self) -> dict[Owner, tuple[str, ...]]:
        return {owner: self._blocked(content) for owner, content in self._all.items() if content.services}

    @property
    def moved(self) -> bool:
        """Whether a service is blocked that was not when that was last decided, or the other way round."""
        return self._now() != self._told

    def table(self) -> list[Service]:
        """All services that there are; none without the file, which is made when the package is."""
        return self._table(lambda one: True)

    def _table(self, chosen: Callable[[Service], bool]) -> list[Service]:
        try:
            with open(os.path.join(data_dir(self._settings), FILE), "rb") as file:
                found = [one for one in each_service(file) if chosen(one)]
            self.trouble = ""
        except (OSError, UnicodeError, BadInput) as error:
            found, why = [], getattr(error, "strerror", None) or said_by(error)
            self.trouble = Sentence("no services are known: {}", why)
        return found

    def of(self, device: Device) -> Content:
        return self._all.get(owner_of(device)) or Content()

    def wanted(self, device: Device) -> bool:
        """Whether names have to be looked at for what the device may not reach."""
        of = self.of(device)
        return bool(of.categories or of.services or of.search != "off" or of.youtube != "off")

    def view(self, policy: Policy, device: Device, protected: bool, limited: bool, at: int | None = None) -> View:
        content = self.of(device) if limited else Content()
        owners: list[Owner] = [(DEVICE, device.id), (PERSON, device.person_id or 0), (HOUSEHOLD, 0)]
        choices = [self._all[owner].lists for owner in owners if owner in self._all]
        lists = self._lists.ruleset.lists if self._lists.ruleset else []
        return View(
            policy.scopes(device.id, device.person_id),
            content.search,
            content.youtube,
            protecting(lists, choices) if protected else 0,
            filtering(lists, content.categories, choices),
            self._blocked(content, at),
        )

    def refusing(self, view: View) -> frozenset[str]:
        """What is blocked by kind: ids of services, and of the lists of categories that are loaded."""
        lists = self._lists.ruleset.lists if self._lists.ruleset else []
        chosen = [str(row["id"]) for place, row in enumerate(lists) if view.filtering >> place & 1]
        return frozenset([*view.services, *chosen])

    def household_view(self) -> View:
        """Of nobody in particular: what protects, as the household chose."""
        lists = self._lists.ruleset.lists if self._lists.ruleset else []
        choices = [self._all[(HOUSEHOLD, 0)].lists] if (HOUSEHOLD, 0) in self._all else []
        return View(((HOUSEHOLD, 0),), protecting=protecting(lists, choices))

    def _blocked(self, content: Content, at: int | None = None) -> tuple[str, ...]:
        """The services that are blocked then, now if nothing is said, and all of a category's."""
        now, zone = self._wall() if at is None else at, self._zone()
        chosen = [id for id, (mode, windows) in content.services.items() if blocked_at(mode, windows, now, zone)]
        by_category = [id for id, one in self._known.items() if one.group in content.categories]
        return tuple(sorted({*chosen, *by_category}))

    def categories(self, devices: list[Device]) -> set[str]:
        """Those that somebody of these devices has: their lists are fetched."""
        return {id for device in devices for id in self.of(device).categories if id in CATEGORY_IDS}
