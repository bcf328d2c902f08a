"""The page of a hold: what it says, in either language, how large it is, and what its buttons send."""

from agent.core.hold_page import BYTES_MAX, KINDS, PATH, asked, page, pressed

WHYS = ("off", "bedtime", "break", "homework", "allowance")
TOKEN = "0123456789abcdef" * 2


def test_it_says_whose_time_it_is_and_until_when():
    said = page("bedtime", "Mia", "7:00", True, TOKEN).decode()
    head, _, body = said.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 511 ")
    assert "Cache-Control: no-store" in head and "Connection: close" in head
    assert f"Content-Length: {len(body.encode())}\r\n" in head + "\r\n"
    assert "It is bedtime for Mia until 7:00." in body
    assert "helplines" in body and "calls over Wi-Fi" in body
    assert "calls over Wi-Fi" not in page("bedtime", "Mia", "7:00", False, TOKEN).decode()
    assert "Internet is off for this device." in page("off", "", "", True, TOKEN).decode()
    assert "Es ist Schlafenszeit für Mia bis 7:00." in page("bedtime", "Mia", "7:00", True, TOKEN, "de").decode()
    assert "bis Mi 7:30." in page("off", "Mia", "Wed 7:30", True, TOKEN, "de").decode()
    assert "until Wed 7:30." in page("off", "Mia", "Wed 7:30", True, TOKEN).decode()


def test_it_promises_nothing_to_a_new_device():
    """What a new one asks for is not read, so that nothing of it is let through."""
    for calls in (True, False):
        for language, words in (
            ("en", ("still work", "helpline", "Wi-Fi")),
            ("de", ("weiter", "Hilfsangebote", "WLAN")),
        ):
            said = page("new", "", "", calls, "", language).decode()
            assert not [word for word in words if word in said]
    assert "Nobody here knows this device yet. Ask the person" in page("new", "", "", True, "").decode()


def test_it_is_small_and_carries_nothing_active():
    for language in ("en", "de"):
        for why in WHYS:
            said = page(why, "&" * 500, "Wed 23:59", True, TOKEN, language)
            assert len(said) <= BYTES_MAX, (language, why, len(said))
            for word in (b"<script", b"src=", b"http:", b"url("):
                assert word not in said
        assert len(asked(True, language)) <= BYTES_MAX


def test_a_name_is_no_markup():
    said = page("off", "<b>M</b>", "", True, TOKEN).decode()
    assert "<b>" not in said and "&lt;b&gt;" in said


def test_the_buttons_are_read_back():
    said = page("off", "Mia", "", True, TOKEN).decode()
    assert f'action="{PATH}"' in said and TOKEN in said
    for kind in KINDS:
        assert f'value="{kind}"' in said
        assert pressed(f"ask={TOKEN}&kind={kind}".encode()) == (TOKEN, kind)
    assert "<form" not in page("off", "Mia", "", True, "").decode()


def test_what_is_no_button():
    for body in (b"", b"ask=", b"ask=1", b"kind=time", b"ask=1&kind=forever", b"\xff\xfe", b"ask=&kind=time"):
        assert pressed(body) is None
