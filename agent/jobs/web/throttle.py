"""How long somebody who guesses has to wait: a table of failures, kept by the daemon across restarts.

Values in, values out: the table is {source: [failures, time of the last]}, times are whole wall-clock seconds.
"""

Table = dict[str, list[int]]

# A parent mistypes; a guesser does not stop at five.
FREE = 5
# Failures of all sources together: addresses are cheap on a LAN, so these count too, but later.
FREE_ALL = 40
FIRST_WAIT_S = 30
LONGEST_WAIT_S = 3600
# Without a failure for this long a source starts afresh.
FORGET_S = 86400
SOURCES_MAX = 64
ALL = "*"


def source(address: str) -> str:
    """An address as a source of connections: IPv6 by its /64, because a device picks the other half itself."""
    if ":" not in address:
        return address
    head, gap, tail = address.partition("::")
    groups = head.split(":") if head else []
    if gap:
        rest = tail.split(":") if tail else []
        groups = groups + ["0"] * (8 - len(groups) - len(rest)) + rest
    return ":".join(groups[:4]) + "::/64"


def pin_of(device_id: int, address: str) -> str:
    """As a source: whoever tries PINs locks out nobody who signs in, and no other device."""
    return f"pin:{device_id}:{address}"


def _everybody(who: str) -> str:
    """The row that counts the failures of all sources of that kind."""
    return who[: who.index(":", 4) + 1] + ALL if who.startswith("pin:") else ALL


def wait_s(table: Table, who: str, now: int, trusted: bool) -> int:
    """Seconds until `who` may try again; a `trusted` source (it signed in before) ignores what others did."""
    own = _wait(table.get(who), FREE, now)
    return own if trusted else max(own, _wait(table.get(_everybody(who)), FREE_ALL, now))


def failed(table: Table, who: str, now: int) -> Table:
    """The table after one more failure, bounded in size."""
    after = {key: row for key, row in table.items() if 0 <= now - row[1] < FORGET_S}
    for key in (who, _everybody(who)):
        count = after.get(key, [0, now])[0]
        after[key] = [count + 1, now]
    while len(after) > SOURCES_MAX:
        oldest = min((row[1], key) for key, row in after.items() if key not in (who, _everybody(who), ALL))
        del after[oldest[1]]
    return after


def succeeded(table: Table, who: str) -> Table:
    """The table after the right password: this source starts afresh, and what it added to all is taken back."""
    after = {key: list(row) for key, row in table.items() if key != who}
    mine, together = table.get(who, [0, 0])[0], _everybody(who)
    if together in after:
        after[together][0] = max(0, after[together][0] - mine)
    return after


def taken_back(table: Table, who: str) -> Table:
    """The table without this source's last try, which was no failure; what it failed before stands."""
    after = {key: list(row) for key, row in table.items()}
    for key in (who, _everybody(who)):
        if key in after:
            after[key][0] = max(0, after[key][0] - 1)
    return after


def rebased(table: Table, now: int) -> Table:
    """For the start: a router without a clock battery wakes up in the past, and nobody should wait for years."""
    return {key: [row[0], min(row[1], now)] for key, row in table.items()}


def _wait(row: list[int] | None, free: int, now: int) -> int:
    if row is None or row[0] < free:
        return 0
    wait: int = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(row[0] - free, 10))
    passed = now - row[1]
    return max(0, wait - passed) if passed >= 0 else wait
