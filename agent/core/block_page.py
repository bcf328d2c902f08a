"""What a refused plain HTTP request gets: a small page that says why, and that the person at the device can ask with.

Nothing of it comes from elsewhere, and it needs no script. What it says, it says in English or German.
"""

from agent.core.model import Rule, Value

_TARGET_MAX, _REASON_MAX = 300, 300
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;"))

_TEXTS = {
    "en": {
        "title": "This page was refused",
        "what": "This network's protection refused <code>%s</code>.",
        "household": "a rule of this household",
        "listed": "the list %s has %s",
        "own": "this household blocks %s",
        "why": "Why: %s.",
        "who": "If that is wrong, whoever looks after this network can allow it, for an hour or for good.",
        "ask": "Ask for it",
        "asked": "You asked for it",
        "asked_what": "Whoever looks after this network sees that this device asked for <code>%s</code>.",
        "then": "When it is allowed, open the page again.",
        "over": "Nothing was asked",
        "over_what": "This button is used up. Open the refused page again, and ask from there.",
    },
    "de": {
        "title": "Diese Seite wurde abgewiesen",
        "what": "Der Schutz dieses Netzes hat <code>%s</code> abgewiesen.",
        "household": "eine Regel dieses Haushalts",
        "listed": "auf der Liste %s steht %s",
        "own": "dieser Haushalt sperrt %s",
        "why": "Warum: %s.",
        "who": "Ist das falsch, kann es erlauben, wer sich um dieses Netz kümmert: für eine Stunde oder auf Dauer.",
        "ask": "Darum bitten",
        "asked": "Sie haben darum gebeten",
        "asked_what": "Wer sich um dieses Netz kümmert, sieht, dass dieses Gerät um <code>%s</code> gebeten hat.",
        "then": "Wenn es erlaubt ist, öffnen Sie die Seite noch einmal.",
        "over": "Es wurde um nichts gebeten",
        "over_what": "Dieser Knopf ist verbraucht. Öffnen Sie die abgewiesene Seite noch einmal und bitten Sie dort.",
    },
}

_PAGE = """<!doctype html>
<html lang="%s"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>%s</title>
<style>body{font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:3em auto;padding:0 1em}code{word-break:break-all}
button{font:inherit;padding:.6em 1.2em;border:1px solid;border-radius:.4em}</style>
<h1>%s</h1>
%s</html>
"""

_FORM = '<form method="post" action="%s"><input type="hidden" name="ask" value="%s"><button>%s</button></form>\n'


class Button(Value):
    """Where the button sends its request, and the word that this one page is told by."""

    __slots__ = ("address", "token")

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.token = token


def language(head: bytes) -> str:
    """The one of our languages that a request, by its head, prefers (RFC 9110 section 12.5.4)."""
    for line in head.split(b"\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"accept-language":
            return "de" if value.strip().lower()[:2] == b"de" else "en"
    return "en"


def page(target: str, rule: "Rule | None", button: "Button | None", language: str = "en") -> bytes:
    """The whole response to a refused request."""
    texts = _TEXTS[language]
    parts = [
        _paragraph(texts["what"], target[:_TARGET_MAX]),
        _paragraph(texts["why"], _reason(rule, texts)[:_REASON_MAX]),
    ]
    parts.append(_paragraph(texts["who"]))
    if button is not None:
        parts.append(_FORM % (escaped(button.address), escaped(button.token), texts["ask"]))
    body = _document(language, texts["title"], parts)
    head = (
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\nContent-Security-Policy: %s\r\n\r\n"
    )
    return (head % (len(body), policy(button))).encode() + body


def policy(button: "Button | None") -> str:
    """The page's Content-Security-Policy: no script, nothing loaded, and a form that leads to the router only."""
    form = "'none'" if button is None else button.address
    return "default-src 'none'; style-src 'unsafe-inline'; form-action " + form


def asked(target: "str | None", language: str = "en") -> bytes:
    """The document that follows the button; without a target the button was used before, or is too old."""
    texts = _TEXTS[language]
    if target is None:
        return _document(language, texts["over"], [_paragraph(texts["over_what"])])
    return _document(language, texts["asked"], [_paragraph(texts["asked_what"], target), _paragraph(texts["then"])])


def _reason(rule: "Rule | None", texts: "dict[str, str]") -> str:
    if rule is None:
        return texts["household"]
    if not rule.list_name:
        return texts["own"] % rule.text
    return texts["listed"] % (rule.list_name, rule.text) + (" (" + rule.category + ")" if rule.category else "")


def _paragraph(text: str, value: "str | None" = None) -> str:
    return "<p>" + (text if value is None else text % escaped(value)) + "</p>\n"


def _document(language: str, title: str, parts: "list[str]") -> bytes:
    return (_PAGE % (language, title, title, "".join(parts))).encode()


def escaped(text: str) -> str:
    for letter, name in _ESCAPES:
        text = text.replace(letter, name)
    return text
