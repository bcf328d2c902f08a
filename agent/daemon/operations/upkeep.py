"""Status, settings, the web job's own values, and the code of the first run."""

import os

from agent import __version__
from agent.core import settings as settings_table
from agent.core.addresses import parse_endpoint
from agent.core.consent import SUSPENDED
from agent.core.model import HISTORY, PROTECTION, BadInput, Device
from agent.core.setting_kinds import NUMBER
from agent.daemon.household import Household
from agent.daemon.operations.arguments import OperationRejected, Request, actor, text
from agent.daemon.people import PINS

WEB_KEYS_MAX = 256
WEB_BYTES_MAX = 8192
LOOPBACK = ("127.", "::1")
CERTIFICATE_MAKERS = ("/usr/sbin/px5g", "/usr/bin/openssl")
LOGGERS = ("/etc/dnsmasq.conf", "/etc/config/dhcp")
CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
CODE_LENGTH = 10  # 49 bits; five wrong guesses end it
CODE_S = 3600
CODE_TRIES = 5


def status(household: Household, request: Request) -> dict[str, object]:
    on = [device for device in household.state.devices() if household.gate.features(device.slot)]
    uncovered = [device.id for device in on if not household.covered(device)]
    parts = {
        "version": __version__,
        "started_at": household.set_right.started_at,
        "lists": _lists(household),
        "kernel": {**household.kernel_state(), "uncovered": uncovered, "unseen": _unseen(household, on)},
        "upstream": household.upstream_state(),
        "clock_set": household.clock.trusted,
        "booted": household.toggles.booted,
        "recording": _recording(household),
        "devices_on": len(on),
        "web": _web(household),
        "storage": {"state": "trouble" if _storage(household) else "ok", "message": _storage(household)},
        "dns": household.counters(),
        "faults": household.faults(),
    }
    found = _health(household, parts)
    code, health = found[0] if found else _well()
    return {**parts, "health_code": code, "health": health, "missing": [sentence for _, sentence in found]}


def _unseen(household: Household, on: list[Device]) -> list[dict[str, object]]:
    """Those that are on and not seen; see Sight."""
    rows = [(device, household.unseen(device)) for device in on]
    return [{"device_id": device.id, "label": device.label, **row} for device, row in rows if row]


def _recording(household: Household) -> dict[str, object]:
    """Since the start: `unrecorded` is what passed and found no room or no storage, `dropped` what of it were visits,
    `unsent` answers that no socket took. `deleted_for_room`: the records that went before their time."""
    return {
        "paused": _paused(household),
        "unrecorded": household.recorder.unrecorded,
        "dropped": household.recorder.dropped,
        "unsent": household.counters().get("unsent", 0),
        "deleted_for_room": household.records.deleted_for_room(),
        "encrypted_passes": encrypted_passes(household),
    }


def encrypted_passes(household: Household) -> list[int]:
    """Devices whose history misses what goes by iCloud Private Relay or encrypted DNS; protection keeps them off it."""
    protected = [device.id for device, _ in household.pairs_on(PROTECTION)]
    return [device.id for device, _ in household.pairs_on(HISTORY) if device.id not in protected]


def _lists(household: Household) -> dict[str, object]:
    ruleset = household.lists.ruleset
    state = household.lists_state()
    return {
        "rules": 0 if ruleset is None else ruleset.count,
        "state": state,
        "loaded_at": household.lists.loaded_at or None,
        "trouble": household.feeds.no_job or household.lists.trouble,
    }


def _web(household: Household) -> dict[str, object]:
    """Where the page is served for others than this router, and whether over TLS; port None: nowhere."""
    ends = [parse_endpoint(item) for item in household.settings.texts("web_listen")]
    ports = [port for address, port in ends if not address.startswith(LOOPBACK)] or [port for _, port in ends]
    kept = household.web_value("tls")
    own = isinstance(kept, dict) and bool(kept.get("fingerprint"))
    # Before its first start the web job has said nothing; it takes the router's certificate, or has one made.
    given = (household.settings.text("web_certificate"), *CERTIFICATE_MAKERS)
    tls = own or (os.environ.get("PRIVACY_AGENT_WEB_TLS") != "off" and any(map(os.path.exists, given)))
    return {"port": ports[0] if ports else None, "tls": tls}


def _paused(household: Household) -> bool:
    suspended = household.state.ledger.register.in_state(SUSPENDED)
    return any(feature == HISTORY for _, feature in suspended)


def _storage(household: Household) -> str:
    trouble = household.trouble or household.recorder.trouble or household.snapshots.trouble
    if household.toggles.unsaved.rows:
        return "what was turned off is off, but not saved yet" + (": " + trouble if trouble else "")
    return trouble


Sentence = tuple[str, str] | None  # a code for the UI's own words, and the sentence


def _health(household: Household, parts: dict[str, object]) -> list[tuple[str, str]]:
    """What is missing, the most pressing first. Nothing that was not seen counts as well."""
    first = _start(household)
    if first:
        return [first]
    return sorted([found for found in (check(household, parts) for check in HEALTH) if found], key=_order)


def _start(household: Household) -> Sentence:
    if household.toggles.booted:
        return None
    return "not_booted", "Nothing is recorded and nothing is blocked: " + (_storage(household) or "it is starting")


def _stored(household: Household, parts: dict[str, object]) -> Sentence:
    if not _storage(household):
        return None
    return "storage", "Storage trouble: " + _storage(household)


def _kernel(household: Household, parts: dict[str, object]) -> Sentence:
    kernel = parts["kernel"]
    if not isinstance(kernel, dict):
        return None
    if any(row["moved"] or row["through"] for row in kernel["unseen"]):
        return "moved", "A device that is on seems to be here with another MAC, and is not covered: see your devices."
    # One that is just not here is no trouble.
    if set(kernel["uncovered"]) <= {row["device_id"] for row in kernel["unseen"]}:
        return None
    return "uncovered", "Some devices are turned on but not protected: " + str(kernel["message"])


def _upstream(household: Household, parts: dict[str, object]) -> Sentence:
    upstream = parts["upstream"]
    state = upstream.get("state") if isinstance(upstream, dict) else None
    if state == "none":
        return "upstream", "No upstream DNS is known: set upstream, or name one in resolver_file."
    if state == "down":
        return "upstream", "The upstream DNS does not answer: check the internet connection."
    if state == "unknown":
        return "not_asked", "The upstream DNS has not been asked yet."
    return None


def _protecting(household: Household, parts: dict[str, object]) -> Sentence:
    state = household.lists_state()
    if state != "ready" and household.pairs_on(PROTECTION):
        return "lists", "Not yet protecting: no current block list is loaded."
    if state == "none":
        return "no_list", "No block list is loaded yet."
    return None


def _withheld(household: Household, parts: dict[str, object]) -> Sentence:
    if household.recorder.withheld:
        return "helplines", "Nothing is recorded: the list of helplines is missing. Install the package again."
    if _paused(household):
        return "paused", "Recording is suspended for some devices until somebody resumes it."
    return None


def _in_use(household: Household, parts: dict[str, object]) -> Sentence:
    if not household.state.devices():
        return "no_device", "No device has been added yet."
    if not parts["devices_on"]:
        return "nothing_on", "Nothing is on for any device."
    return None


def _clock(household: Household, parts: dict[str, object]) -> Sentence:
    if household.clock.trusted:
        return None
    return "clock", "The clock is not set yet."


def _well() -> tuple[str, str]:
    return "ok", "Nothing needs your attention."


def _order(found: tuple[str, str]) -> bool:
    """What only has not happened yet comes last."""
    return found[0] in ("not_asked", "no_list")


HEALTH = (_stored, _kernel, _upstream, _protecting, _withheld, _in_use, _clock)


def settings_get(household: Household, request: Request) -> dict[str, object]:
    items = []
    for row in settings_table.TABLE:
        if not row.household:
            continue
        item: dict[str, object] = {
            "key": row.name,
            "value": household.settings[row.name],
            "kind": row.kind,
            "sentence": row.sentence,
        }
        if row.kind == NUMBER:
            item["min"], item["max"] = row.limits
        elif row.limits:
            item["choices"] = list(row.limits)
        items.append(item)
    return {"items": items}


def settings_set(household: Household, request: Request) -> dict[str, object]:
    """Change one of the household's settings; kept in state.db, it goes before the settings file."""
    key = text(request, "key")
    if not settings_table.known(key).household:
        raise BadInput("setting " + key + " is the owner's: change it in the settings file")
    value = settings_table.check(key, request.get("value"))
    household.change_setting(key, value, actor(request))
    household.publish({"event": "status"})
    return {"key": key, "value": value}


def recipients(household: Household, request: Request) -> dict[str, object]:
    """Who sees what: every party outside this router, and other software on it that logs the same."""
    upstream = household.upstream_state()
    servers = upstream.get("servers")
    items = [
        {"kind": "upstream", "name": name, "detail": "sees every name that is asked for, as without privacy-agent"}
        for name in (servers if isinstance(servers, list) else [])
    ]
    for feed in household.feeds.chosen():
        detail = "its server sees this router's address when the list is downloaded, while protection is on"
        items.append({"kind": "feed", "name": f"{feed.name} ({feed.server})", "detail": detail})
    operator = household.reports.agreement.operator()
    if operator and household.reports.running:
        detail = "receives one sealed answer with noise a week, and sees this router's address"
        items.append({"kind": "operator", "name": operator["name"], "detail": detail})
    return {"items": items + [{"kind": "software", **found} for found in query_loggers()]}


def query_loggers() -> list[dict[str, str]]:
    """Other software here that is set up to log DNS queries; what can't be read is not claimed."""
    found = []
    for path in LOGGERS:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read(65536)
        except OSError:
            continue
        lines = [line.strip() for line in text.splitlines()]
        if any(line.startswith("log-queries") or line.replace("'", "") == "option logqueries 1" for line in lines):
            found.append({"name": "dnsmasq", "detail": f"logs every query ({path}): switch log-queries off there"})
    return found


def web_get(household: Household, request: Request) -> dict[str, object]:
    return {"value": household.web_value(text(request, "key"))}


def web_put(household: Household, request: Request) -> dict[str, object]:
    key, value = text(request, "key"), request.get("value")
    before = household.web_value(key)
    household.put_web_value(key, value, WEB_BYTES_MAX, WEB_KEYS_MAX)
    if key == PINS:
        household.people.pins_put(before, value)
    return {}


def setup_code(household: Household, request: Request) -> dict[str, object]:
    """A new one-time code for the web UI's first run; the one before is void."""
    code = "".join(CODE_LETTERS[byte % len(CODE_LETTERS)] for byte in os.urandom(CODE_LENGTH))
    household.setup = SetupCode(code, household.clock.age() + CODE_S)
    tls = household.web_value("tls")
    fingerprint = tls.get("fingerprint") if isinstance(tls, dict) else None
    return {"code": code, "expires_at": household.clock.wall() + CODE_S, "fingerprint": fingerprint}


class SetupCode:
    """In memory only. `tries` counts wrong ones."""

    def __init__(self, code: str, until_age: int) -> None:
        self.code = code
        self.until_age = until_age
        self.tries = 0


def setup_check(household: Household, request: Request) -> dict[str, object]:
    """Use the code up; wrong ones count."""
    setup = household.setup
    given = text(request, "code").lower()
    if not isinstance(setup, SetupCode) or household.clock.age() > setup.until_age or setup.tries >= CODE_TRIES:
        raise OperationRejected("conflict", "no valid setup code: make a new one with privacy-agent setup-code")
    # Hashed before comparing, so that the time taken tells nothing about the code.
    if household.sha256(given.encode()) != household.sha256(setup.code.encode()):
        setup.tries += 1
        raise OperationRejected("forbidden", "that is not the setup code")
    household.setup = None
    return {"ok": True}


TABLE = {
    "status": status,
    "settings.get": settings_get,
    "settings.set": settings_set,
    "recipients": recipients,
    "web.get": web_get,
    "web.put": web_put,
    "setup.code": setup_code,
    "setup.check": setup_check,
}
