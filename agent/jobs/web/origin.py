"""Which requests come from our own page: Host against DNS rebinding, Origin and Sec-Fetch-Site against other sites."""

from agent.core.http import Head
from agent.core.httpvalues import split_host
from agent.jobs.web.http_types import Problem

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


def check_host(head: Head, local: str, names: tuple[str, ...]) -> None:
    """Refuse a name that is not ours.

    A rebinding page can only send its own name as Host; the address the connection came to can't be faked
    by a name. `local` is that address, `names` what the household calls the router.
    """
    host, _ = split_host(head.header("host"))
    known = (local, *names)
    if local.startswith("127.") or local == "::1":
        known += LOOPBACK_NAMES
    if host.rstrip(".") not in known:
        raise Problem(
            421,
            "unknown-host",
            "This router does not answer to that name. Use its address, or add the name to the setting web_hosts.",
        )


def check_origin(head: Head, secure: bool) -> None:
    """Refuse requests that another site's page makes, reads included."""
    site = head.header("sec-fetch-site")
    if site not in ("", "same-origin", "none"):
        raise _foreign()
    origin = head.header("origin")
    if not origin:
        return
    expected = ("https://" if secure else "http://") + head.header("host")
    if origin.lower() != expected.lower():
        raise _foreign()


def _foreign() -> Problem:
    return Problem(403, "foreign-origin", "Requests from other sites are not accepted.")
