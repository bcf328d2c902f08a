"""The refusal page and what follows its button: what they say, in either language, and what they may do."""

from agent.core.block_page import Button, asked, language, page
from agent.core.model import Rule

RULE = Rule("bad.example/<x>", "block", "l", 'List "1"', "v1", "phishing")
BUTTON = Button("http://router.lan:5392/me/ask", "0a1b")


def test_what_it_says_is_escaped_and_complete() -> None:
    said = page("http://bad.example/<script>", RULE, BUTTON).decode()
    head, _, body = said.partition("\r\n\r\n")
    assert f"Content-Length: {len(body.encode())}\r\n" in head + "\r\n"
    assert "<script>" not in body and "&lt;script&gt;" in body
    assert "List &quot;1&quot; has the entry bad.example/&lt;x&gt; (phishing)" in body
    assert "src=" not in body and "script>" not in body.replace("&lt;script&gt;", "")
    assert "a rule of this network blocks bad.example" in page("x", Rule("bad.example"), None).decode()
    assert "a rule of this network" in page("x", None, None).decode()


def test_the_button_leads_to_the_router_and_nowhere_else() -> None:
    said = page("http://bad.example/", RULE, BUTTON).decode()
    assert 'action="http://router.lan:5392/me/ask"' in said and 'name="ask" value="0a1b"' in said
    assert "form-action http://router.lan:5392/me/ask\r\n" in said
    without = page("http://bad.example/", RULE, None).decode()
    assert "form-action 'none'\r\n" in without and "<form" not in without


def test_it_speaks_the_language_of_the_request() -> None:
    def asks(value: bytes) -> bytes:
        return b"GET / HTTP/1.1\r\nHost: x\r\n" + value

    assert language(asks(b"Accept-Language: de-AT,en;q=0.5\r\n\r\n")) == "de"
    assert language(asks(b"accept-language:DE")) == "de"
    for other in (b"Accept-Language: fr, de\r\n", b"Accept-Language:\r\n", b"X: de\r\n", b""):
        assert language(asks(other)) == "en"
    assert "Diese Seite ist blockiert" in page("x", RULE, BUTTON, "de").decode()


def test_a_page_fits_into_two_packets() -> None:
    for tongue in ("en", "de"):
        assert len(page("http://" + "x" * 500, Rule("y" * 400), BUTTON, tongue)) < 2 * 1220


def test_what_follows_the_button() -> None:
    for tongue, word, none in (("en", "Request sent", "No new request sent"), ("de", "gefragt", "Keine neue Anfrage")):
        assert word in asked("<b>.example", tongue).decode() and "&lt;b&gt;.example" in asked("<b>.example").decode()
        assert none in asked(None, tongue).decode()
