"""What the button of a refusal page leads to: the request is put before the household, and a small page says so.

The refused page is another site's, so neither Origin nor a session can vouch for the request: its word does, which
the daemon gave to this device with that page, and takes once.
"""

from agent.core.block_page import asked, language, policy
from agent.core.httpvalues import parse_query
from agent.jobs.web.effects import Ask, ControlRefused
from agent.jobs.web.handlers import NO_STORE
from agent.jobs.web.http_types import Problem, WebRequest, WebResponse
from agent.platform import page_texts

PATH = "/me/ask"


async def ask(request: WebRequest) -> WebResponse:
    if request.head.method != "POST":
        problem = Problem(405, "method-not-allowed", "This address takes POST.")
        problem.headers.append(("Allow", "POST"))
        raise problem
    wanted = b"\naccept-language:" + request.head.header("accept-language").encode()
    tongue = language(wanted, page_texts.installed())
    given = page_texts.texts(tongue, "block")
    try:
        row = await Ask("request.unblock", {"word": _word(request.body), "address": request.peer})
    except ControlRefused as error:
        if error.code != "not_found":
            raise
        return _page(404, asked(None, tongue, given))
    return _page(200, asked(row["target"], tongue, given))


def _word(body: bytes) -> str:
    try:
        return dict(parse_query(body.decode("ascii"))).get("ask") or "-"
    except UnicodeDecodeError:
        return "-"


def _page(status: int, document: bytes) -> WebResponse:
    headers = [*NO_STORE, ("Content-Security-Policy", policy(None))]
    return WebResponse(status, document, "text/html; charset=utf-8", headers)
