"""What a device that is held gets for a plain request: a small page that says whose time it is, until when, and asks.

Its status is 511 (RFC 6585), so that a device's check for a sign-in page finds one. Nothing of it comes from elsewhere,
it needs no script, and no one keeps it. Its buttons lead to whatever host was asked for: as long as the device is held,
this page answers there.
"""

from agent.core.block_page import escaped, words

PATH = "/privacy-agent/ask"
BYTES_MAX = 2048  # the whole answer, in any language, with the longest names
KINDS = ("time", "tonight")  # what the buttons ask for
_NAME_MAX = 40

_TEXTS = {
    "en": {
        "days": "Mon Tue Wed Thu Fri Sat Sun",
        "title": "No internet now",
        "off": "Internet is off for %s",
        "bedtime": "It is bedtime for %s",
        "break": "It is break time for %s",
        "homework": "It is homework time for %s",
        "allowance": "Today's time is used up for %s",
        "new": "Nobody here knows %s yet. Ask the person who manages this network",
        "device": "this device",
        "until": " until %s.",
        "open": ".",
        "reaches": "The home network and helplines still work",
        "calls": ", and so do calls over Wi-Fi",
        "time": "Ask for 15 minutes",
        "tonight": "Ask for today",
        "sent": "Request sent",
        "sent_what": "The person who manages this network sees it. Once it is allowed, open the page again.",
        "over": "No new request sent",
        "over_what": "This request was already sent, or the button is too old. Open any page again to ask.",
    },
    "de": {
        "days": "Mo Di Mi Do Fr Sa So",
        "title": "Gerade kein Internet",
        "off": "Für %s ist das Internet aus",
        "bedtime": "Es ist Schlafenszeit für %s",
        "break": "Es ist Auszeit für %s",
        "homework": "Es ist Hausaufgabenzeit für %s",
        "allowance": "Für %s ist die Zeit heute aufgebraucht",
        "new": "Hier kennt noch niemand %s. Frag, wer dieses Netz verwaltet",
        "device": "dieses Gerät",
        "until": " bis %s.",
        "open": ".",
        "reaches": "Heimnetz und Hilfsangebote funktionieren weiter",
        "calls": ", Anrufe über WLAN auch",
        "time": "Um 15 Minuten bitten",
        "tonight": "Für heute bitten",
        "sent": "Anfrage gesendet",
        "sent_what": "Die Person, die dieses Netz verwaltet, sieht sie. "
        "Sobald es erlaubt ist, öffne die Seite noch einmal.",
        "over": "Keine neue Anfrage gesendet",
        "over_what": "Diese Anfrage wurde schon gesendet, oder der Knopf ist zu alt. "
        "Öffne irgendeine Seite noch einmal, um zu fragen.",
    },
}

_HEAD = (
    "HTTP/1.1 %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\nCache-Control: no-store\r\n"
    "Connection: close\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'\r\n\r\n"
)
_PAGE = """<!doctype html>
<html lang="%s"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>%s</title>
<style>:root{color-scheme:light dark}
body{font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:3em auto;padding:0 1em}
button{font:inherit;padding:.6em 1.2em;margin:.3em .5em .3em 0;border:1px solid;border-radius:.4em}</style>
<h1>%s</h1>
%s</html>
"""
_FORM = '<form method="post" action="%s"><input type="hidden" name="ask" value="%s">%s</form>\n'
_BUTTON = '<button name="kind" value="%s">%s</button>'


def page(
    why: str,
    name: str,
    until: str,
    calls: bool,
    token: str,
    language: str = "en",
    given: "dict[str, str] | None" = None,
) -> bytes:
    """The whole response. `why` is as of a Decision, `name` whose it is or "" for the device's own, `until` a time of
    day, behind its day ("Fri 7:00") where that is another, or "". An empty token: nothing can be asked."""
    texts = words(_TEXTS, language, given)
    days = dict(zip(_TEXTS["en"]["days"].split(" "), texts["days"].split(" ")))
    until = " ".join([days.get(word, word) for word in until.split(" ")])
    whose = _cut(name) or texts["device"]
    what = texts.get(why, texts["off"]) % whose + (texts["until"] % until if until else texts["open"])
    reaches = texts["reaches"] + (texts["calls"] if calls else "") + texts["open"]
    # What names a device asks for is read of added ones only: nobody could let these through for a new one.
    body = _paragraph(what) + ("" if why == "new" else _paragraph(reaches))
    if token:
        buttons = "".join([_BUTTON % (kind, texts[kind]) for kind in KINDS])
        body += _FORM % (PATH, escaped(token), buttons)
    return _response("511 Network Authentication Required", language, texts["title"], body)


def asked(sent: bool, language: str = "en", given: "dict[str, str] | None" = None) -> bytes:
    """What follows a button."""
    texts, key = words(_TEXTS, language, given), "sent" if sent else "over"
    return _response("200 OK", language, texts[key], _paragraph(texts[key + "_what"]))


def pressed(body: bytes) -> "tuple[str, str] | None":
    """(token, kind) of a button, from the form's body; None when it is none of ours."""
    try:
        pairs = [part.partition("=") for part in body.decode("ascii").split("&")]
    except UnicodeError:
        return None
    given = {name: value for name, _, value in pairs}
    token, kind = given.get("ask", ""), given.get("kind", "")
    return (token, kind) if token and kind in KINDS else None


def _cut(name: str) -> str:
    return name if len(name) <= _NAME_MAX else name[: _NAME_MAX - 1] + "…"


def _paragraph(text: str) -> str:
    return "<p>" + escaped(text) + "</p>\n"


def _response(status: str, language: str, title: str, body: str) -> bytes:
    document = (_PAGE % (language, title, title, body)).encode()
    return (_HEAD % (status, len(document))).encode() + document
