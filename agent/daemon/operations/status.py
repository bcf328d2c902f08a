"""Whether everything works, and what is missing where it does not."""

import os

from agent import __version__
from agent.control.messages import Reply, Request, Row
from agent.core.addresses import parse_endpoint
from agent.core.consent import SUSPENDED
from agent.core.model import HISTORY, PROTECTION, Device, Sentence, heard, spoken
from agent.daemon.household import Household
from agent.daemon.operations.web_values import web_value
from agent.daemon.store.retention import deleted_for_room

LOOPBACK = ("127.", "::1")
CERTIFICATE_MAKERS = ("/usr/sbin/px5g", "/usr/bin/openssl")
Found = tuple[str, str | Sentence] | None  # a code for the UI's own words, and the sentence


def status(household: Household, request: Request) -> Reply:
    on = [device for device in household.state.devices() if household.gate.features(device.slot)]
    # With times alone nothing of a device is read, so it need not be covered.
    read = [device for device in on if household.read(device)]
    uncovered = [device.id for device in read if not household.edges.covers(device)]
    parts = {
        "version": __version__,
        "started_at": household.set_right.started_at,
        "lists": _lists(household),
        "kernel": {**household.edges.kernel_state(), "uncovered": uncovered, "unseen": _unseen(household, read)},
        "upstream": household.edges.upstream_state(),
        "clock_set": household.clock.trusted,
        "booted": household.toggles.booted,
        "recording": _recording(household),
        "devices_on": len(on),
        "new_devices": {
            "mode": household.arrivals.mode,
            "waiting": len(household.arrivals.waiting),
            "held": len(household.arrivals.held),
        },
        "requests_waiting": household.state.requests.waiting(),
        "web": _web(household),
        "storage": {"state": "trouble" if _storage(household) else "ok", **spoken("message", _storage(household))},
        "dns": household.edges.counters(),
        "faults": household.edges.faults(),
    }
    found = _health(household, parts)
    code, health = found[0] if found else _well()
    missing = [str(sentence) for _, sentence in found]
    return {**parts, "health_code": code, **spoken("health", health), "missing": missing}


def _unseen(household: Household, on: list[Device]) -> list[Row]:
    """Those that are on and not seen; see Sight."""
    rows = [(device, household.edges.unseen(device)) for device in on]
    return [{"device_id": device.id, "label": device.label, **row} for device, row in rows if row]


def _recording(household: Household) -> Row:
    """Since the start: `unrecorded` is what passed and found no room or no storage, `dropped` what of it were visits,
    `unsent` answers that no socket took. `deleted_for_room`: the records that went before their time."""
    return {
        "paused": _paused(household),
        "unrecorded": household.recorder.unrecorded,
        "dropped": household.recorder.dropped,
        "unsent": household.edges.counters().get("unsent", 0),
        "deleted_for_room": deleted_for_room(household.records),
        "encrypted_passes": encrypted_passes(household),
    }


def encrypted_passes(household: Household) -> list[int]:
    """Devices whose history misses what goes by iCloud Private Relay or encrypted DNS; protection keeps them off it."""
    protected = [device.id for device, _ in household.toggles.pairs_on(PROTECTION)]
    return [device.id for device, _ in household.toggles.pairs_on(HISTORY) if device.id not in protected]


def _lists(household: Household) -> Row:
    ruleset = household.lists.ruleset
    state = household.freshness.of_all()
    return {
        "rules": 0 if ruleset is None else ruleset.count,
        "state": state,
        "loaded_at": household.lists.loaded_at or None,
        **spoken("trouble", household.feeds.no_job or household.lists.refusal or household.lists.no_suffixes),
    }


def _web(household: Household) -> Row:
    """Where the page is served for others than this router, and whether over TLS; port None: nowhere."""
    ends = [parse_endpoint(item) for item in household.settings.texts("web_listen")]
    ports = [port for address, port in ends if not address.startswith(LOOPBACK)] or [port for _, port in ends]
    kept = web_value(household, "tls")
    own = isinstance(kept, dict) and bool(kept.get("fingerprint"))
    # Before its first start the web job has said nothing; it takes the router's certificate, or has one made.
    given = (household.settings.text("web_certificate"), *CERTIFICATE_MAKERS)
    tls = own or (os.environ.get("PRIVACY_AGENT_WEB_TLS") != "off" and any(map(os.path.exists, given)))
    return {"port": ports[0] if ports else None, "tls": tls}


def _paused(household: Household) -> bool:
    suspended = household.state.ledger.register.in_state(SUSPENDED)
    return any(feature == HISTORY for _, feature in suspended)


def _storage(household: Household) -> str | Sentence:
    trouble = household.trouble or household.recorder.trouble or household.snapshots.trouble
    if household.toggles.unsaved.rows:
        said = "what was turned off is off, but not saved yet"
        return Sentence(said + ": {}", trouble) if trouble else said
    return trouble


def _health(household: Household, parts: Row) -> list[tuple[str, str | Sentence]]:
    """What is missing, the most pressing first. Nothing that was not seen counts as well."""
    first = _start(household)
    if first:
        return [first]
    return sorted([found for found in (check(household, parts) for check in HEALTH) if found], key=_order)


def _start(household: Household) -> Found:
    if household.toggles.booted:
        return None
    return "not_booted", Sentence(
        "Nothing is recorded and nothing is blocked: {}", _storage(household) or "it is starting"
    )


def _stored(household: Household, parts: Row) -> Found:
    if not _storage(household):
        return None
    return "storage", Sentence("Storage trouble: {}", _storage(household))


def _kernel(household: Household, parts: Row) -> Found:
    kernel = parts["kernel"]
    if not isinstance(kernel, dict):
        return None
    if any(row["moved"] or row["through"] for row in kernel["unseen"]):
        return "moved", "A device that is on seems to be here with another MAC, and is not covered: see your devices."
    # One that is just not here is no trouble.
    if set(kernel["uncovered"]) <= {row["device_id"] for row in kernel["unseen"]}:
        return None
    return "uncovered", Sentence("Some devices are turned on but not protected: {}", _of(kernel, "message"))


def _of(row: Row, name: str) -> str | Sentence:
    return heard(row.get(name + "_sentence") or row[name], 300)


def _upstream(household: Household, parts: Row) -> Found:
    upstream = parts["upstream"]
    state = upstream.get("state") if isinstance(upstream, dict) else None
    if state == "none":
        return "upstream", "No upstream DNS is known: set upstream, or name one in resolver_file."
    if state == "down":
        return "upstream", "The upstream DNS does not answer: check the internet connection."
    if state == "unknown":
        return "not_asked", "The upstream DNS has not been asked yet."
    return None


def _protecting(household: Household, parts: Row) -> Found:
    state = household.freshness.of_all()
    if state != "ready" and household.toggles.pairs_on(PROTECTION):
        return "lists", "Not yet protecting: no current block list is loaded."
    if state == "none":
        return "no_list", "No block list is loaded yet."
    return None


def _withheld(household: Household, parts: Row) -> Found:
    if household.recorder.withheld:
        return "helplines", "Nothing is recorded: the list of helplines is missing. Install the package again."
    if _paused(household):
        return "paused", "Recording is suspended for some devices until somebody resumes it."
    return None


def _in_use(household: Household, parts: Row) -> Found:
    if not household.state.devices():
        return "no_device", "No device has been added yet."
    if not parts["devices_on"]:
        return "nothing_on", "Nothing is on for any device."
    return None


def _clock(household: Household, parts: Row) -> Found:
    if household.clock.trusted:
        return None
    return "clock", "The clock is not set yet."


def _times(household: Household, parts: Row) -> Found:
    if household.keeper.refusal:
        return "limits", Sentence("Times and internet off are not in force: {}", household.keeper.refusal)
    kernel = parts["kernel"]
    if isinstance(kernel, dict) and kernel.get("holding"):
        return "holding", _of(kernel, "holding")
    if household.screen_time.trouble:
        return "minutes", household.screen_time.trouble
    if not household.state.limits.windows:
        return None
    if not household.clock.trusted:
        return "bedtimes", "The clock is not confirmed yet: bedtimes wait for it."
    if household.keeper.local.trouble:
        return "zone", "The router's time zone is not known: bedtimes go by UTC."
    return None


def _well() -> tuple[str, str | Sentence]:
    return "ok", "Nothing needs your attention."


def _order(found: tuple[str, str | Sentence]) -> bool:
    """What only has not happened yet comes last."""
    return found[0] in ("not_asked", "no_list")


HEALTH = (_stored, _times, _kernel, _upstream, _protecting, _withheld, _in_use, _clock)


TABLE = {
    "status": status,
}
