"""Who sees what, outside this router and on it."""

from agent.control.messages import Reply, Request, Row
from agent.core.model import Sentence, spoken
from agent.daemon.household import Household

LOGGERS = ("/etc/dnsmasq.conf", "/etc/config/dhcp")


def recipients(household: Household, request: Request) -> Reply:
    """Who sees what: every party outside this router, and other software on it that logs the same."""
    upstream = household.edges.upstream_state()
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
    target = household.week_file.target()
    if target and household.week_file.running:
        from agent.core.week_file import host_of

        detail = "receives the weekly file, which only your key opens, and sees this router's address"
        items.append({"kind": "week_file", "name": host_of(target["address"]), "detail": detail})
    return {"items": items + [{"kind": "software", **found} for found in query_loggers()]}


def query_loggers() -> list[Row]:
    """Other software here that is set up to log DNS queries; what can't be read is not claimed."""
    found: list[Row] = []
    for path in LOGGERS:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read(65536)
        except OSError:
            continue
        lines = [line.strip() for line in text.splitlines()]
        if any(line.startswith("log-queries") or line.replace("'", "") == "option logqueries 1" for line in lines):
            said = Sentence("logs every query ({}): switch log-queries off there", path)
            found.append({"name": "dnsmasq", **spoken("detail", said)})
    return found


TABLE = {
    "recipients": recipients,
}
