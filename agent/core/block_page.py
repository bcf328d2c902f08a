"""What a blocked plain HTTP request gets: a small page that says why, with a button to ask for it.

Nothing of it comes from elsewhere, and it needs no script. English and German are here; the texts of another language
are handed in, from a file of a package of its own. It is dark where the device is.
"""

from agent.core.model import Rule, Value

_TARGET_MAX, _REASON_MAX = 300, 300
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;"))

_TEXTS = {
    "en": {
        "title": "This page is blocked",
        "what": "The protection of this network blocked <code>%s</code>.",
        "household": "a rule of this network",
        "content": "this kind of site is blocked for you: %s",
        "listed": "the list %s has the entry %s",
        "own": "a rule of this network blocks %s",
        "why": "Reason: %s.",
        "who": "If this is a mistake, the person who manages this network can allow it, for an hour or always.",
        "ask": "Ask to unblock",
        "asked": "Request sent",
        "asked_what": "The person who manages this network sees that this device asked for <code>%s</code>.",
        "then": "Once it is allowed, open the page again.",
        "over": "No new request sent",
        "over_what": "This request was already sent, or the button is too old. Open the blocked page again to ask.",
    },
    "de": {
        "title": "Diese Seite ist blockiert",
        "what": "Der Schutz dieses Netzes hat <code>%s</code> blockiert.",
        "household": "eine Regel dieses Netzes",
        "content": "diese Art von Website ist für dich blockiert: %s",
        "listed": "die Liste %s enthält %s",
        "own": "eine Regel dieses Netzes blockiert %s",
        "why": "Grund: %s.",
        "who": "Falls das ein Irrtum ist: Die Person, die dieses Netz verwaltet, kann die Seite erlauben, "
        "für eine Stunde oder immer.",
        "ask": "Freigabe anfragen",
        "asked": "Anfrage gesendet",
        "asked_what": "Die Person, die dieses Netz verwaltet, sieht, dass dieses Gerät nach <code>%s</code> "
        "gefragt hat.",
        "then": "Sobald die Seite erlaubt ist, öffne sie noch einmal.",
        "over": "Keine neue Anfrage gesendet",
        "over_what": "Diese Anfrage wurde schon gesendet, oder der Knopf ist zu alt. "
        "Öffne die blockierte Seite noch einmal, um zu fragen.",
    },
}

_PAGE = """<!doctype html>
<html lang="%s"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>%s</title>
<style>:root{color-scheme:light dark}
body{font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:3em auto;padding:0 1em}code{word-break:break-all}
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


def language(head: bytes, installed: "list[str] | None" = None) -> str:
    """The one of our languages that a request, by its head, prefers (RFC 9110 section 12.5.4)."""
    for line in head.split(b"\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"accept-language":
            return _meant(value, sorted(_TEXTS) + (installed or []))
    return "en"


def _meant(value: bytes, there: "list[str]") -> str:
    """The language that is named first: the same, or another region's."""
    code = value.replace(b";", b",").split(b",")[0].strip().lower()
    same = [one for one in there if one.encode() == code]
    alike = [one for one in there if one.encode().split(b"-")[0] == code.split(b"-")[0]]
    return (same + alike + ["en"])[0]


def words(texts: "dict[str, dict[str, str]]", language: str, given: "dict[str, str] | None") -> "dict[str, str]":
    """The texts of a language: English, with `given` in place of what it has with as many places for values."""
    english = texts["en"]
    if given is None:
        return texts.get(language, english)
    return {key: given[key] if _fits(given.get(key), english[key]) else english[key] for key in english}


def _fits(text: object, english: str) -> bool:
    return isinstance(text, str) and text.count("%s") == english.count("%s") == text.count("%")


def page(
    target: str,
    rule: "Rule | None",
    button: "Button | None",
    language: str = "en",
    given: "dict[str, str] | None" = None,
) -> bytes:
    """The whole response to a blocked request; `given` are the texts of a language that is not here."""
    texts = words(_TEXTS, language, given)
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


def asked(target: "str | None", language: str = "en", given: "dict[str, str] | None" = None) -> bytes:
    """The document that follows the button; without a target the button was used before, or is too old."""
    texts = words(_TEXTS, language, given)
    if target is None:
        return _document(language, texts["over"], [_paragraph(texts["over_what"])])
    return _document(language, texts["asked"], [_paragraph(texts["asked_what"], target), _paragraph(texts["then"])])


def _reason(rule: "Rule | None", texts: "dict[str, str]") -> str:
    if rule is None:
        return texts["household"]
    if rule.scope == "content":
        # A child is told what kind of site it is, not which line of which list.
        return texts["content"] % (rule.list_name if rule.category in ("", "service") else rule.category)
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
