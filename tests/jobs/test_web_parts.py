"""The web job's values: what needs no process to be tested."""

import gzip
import hashlib
import hmac
import json
import re
import shutil
from pathlib import Path

import pytest

from agent.core.http import Head
from agent.jobs.web import bundle, passwords, schema, sessions, sse, throttle, totp
from agent.jobs.web.http_types import Problem
from agent.jobs.web.static import FOLDER, Files

NOW = 1_800_000_000


def test_totp_vectors():
    """RFC 6238 appendix B, SHA-1, the last six of eight digits; RFC 4226 appendix D."""
    secret = b"12345678901234567890"
    times = {59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924"}
    times |= {2000000000: "69279037", 20000000000: "65353130"}
    for at, digits in times.items():
        assert totp.code(secret, at // 30) == digits[-6:]
    assert [totp.code(secret, count) for count in range(3)] == ["755224", "287082", "359152"]


def test_hmac_agrees():
    for key, message in ((b"", b""), (b"k" * 20, b"m" * 100), (b"k" * 64, b"x")):
        assert totp.hmac_sha1(key, message) == hmac.new(key, message, hashlib.sha1).digest()


def test_a_code_is_taken_once_and_only_around_now():
    secret = b"12345678901234567890"
    step = NOW // 30
    for offset, found in ((-2, None), (-1, step - 1), (0, step), (1, step + 1), (2, None)):
        assert totp.matching_step(secret, totp.code(secret, step + offset), NOW, 0) == found
    assert totp.matching_step(secret, totp.code(secret, step), NOW, step) is None
    assert totp.matching_step(secret, totp.code(secret, step - 1), NOW, step) is None
    for given in ("", "12345", "1234567", "abcdef"):
        assert totp.matching_step(secret, given, NOW, 0) is None


def test_base32_vectors():
    """RFC 4648 section 10, without padding."""
    for text, code in ((b"", ""), (b"f", "MY"), (b"fo", "MZXQ"), (b"foo", "MZXW6"), (b"foobar", "MZXW6YTBOI")):
        assert totp.base32(text) == code


def test_recovery_codes_are_taken_as_people_type_them():
    printed = totp.recovery_code(bytes(range(7)))
    for typed in (printed, printed.replace("-", ""), printed.lower(), printed.replace("-", " "), " " + printed + " "):
        assert totp.as_printed(typed) == printed
    assert totp.as_printed("123 456") == "123456"


def test_failures_wait_longer_and_longer():
    table: throttle.Table = {}
    waits = []
    now = NOW
    for _ in range(14):
        wait = throttle.wait_s(table, "a", now, False)
        waits.append(wait)
        now += wait
        table = throttle.failed(table, "a", now)
    assert waits == [0] * 5 + [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_others_failures_slow_strangers_not_those_who_signed_in():
    table: throttle.Table = {}
    for n in range(throttle.FREE_ALL):
        table = throttle.failed(table, f"10.0.0.{n}", NOW)
    assert throttle.wait_s(table, "10.0.1.1", NOW, False) > 0
    assert throttle.wait_s(table, "10.0.1.1", NOW, True) == 0
    assert len(table) <= throttle.SOURCES_MAX
    for n in range(200):
        table = throttle.failed(table, f"10.1.0.{n}", NOW + n)
    assert len(table) <= throttle.SOURCES_MAX and throttle.ALL in table


def test_success_takes_back_ones_own_failures_only():
    table = throttle.failed(throttle.failed(throttle.failed({}, "a", NOW), "a", NOW), "b", NOW)
    table = throttle.succeeded(table, "a")
    assert table == {"b": [1, NOW], throttle.ALL: [1, NOW]}


def test_clocks_that_jump():
    table = {"a": [7, NOW]}
    # Back to 1970: nobody waits for decades, and nothing is forgiven at once.
    assert throttle.wait_s(throttle.rebased(table, 1000), "a", 1000, False) == 120
    assert throttle.wait_s(throttle.rebased(table, 1000), "a", 1130, False) == 0
    assert throttle.failed(table, "b", NOW + throttle.FORGET_S + 1).keys() == {"b", throttle.ALL}


def test_sources():
    assert throttle.source("192.168.1.7") == "192.168.1.7"
    one = throttle.source("2001:db8:1:2:3:4:5:6")
    assert one == throttle.source("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert throttle.source("fe80::1") == throttle.source("fe80::2") == "fe80:0:0:0::/64"
    assert throttle.source("::1") == "0:0:0:0::/64"


def test_weak_passwords():
    table = {
        "short": "too_short",
        "aaaaaaaaaaaa": "too_simple",
        "1234567890": "too_simple",
        "zyxwvutsrqponm": "too_simple",
        "password1234": "too_common",
        "P4ssw0rd!!!!": "too_common",
        "qwertz123456": "too_common",
        "adminadmin12": "too_common",
        "x" * 9: "too_short",
        "ab" * 200: "too_long",
        "our seven blue lamps": "",
        "Ürümqi-Öl-2026": "",
    }
    for password, weakness in table.items():
        assert passwords.weakness(password) == weakness, password


def test_sessions_end_and_make_room():
    rows: sessions.Sessions = {}
    tokens = [f"{n:064x}" for n in range(30)]
    for n, token in enumerate(tokens):
        row = {"kind": "household", "device_id": None, "browser": "", "address": "", "at": NOW + n, "seen": NOW + n}
        rows = sessions.added(rows, token, row, NOW + n)
    assert len(rows) == sessions.KIND_MAX["household"]
    assert sessions.find(rows, tokens[0], NOW) is None
    found = sessions.find(rows, tokens[-1], NOW + 30)
    assert found is not None and len(found.label) == 8 and found.csrf != found.token
    assert sessions.find(rows, tokens[-1], NOW + 30 + sessions.IDLE_S) is None
    for token in ("", "x", tokens[-1] + "0", tokens[-1].upper() + "é"):
        assert sessions.find(rows, token, NOW) is None
    assert all(token not in str(rows) for token in tokens)


def test_sessions_fit_into_a_value_of_the_daemon():
    import json

    row = {"kind": "household", "device_id": 2**52, "browser": "Firefox · Android", "address": "f" * 39, "at": NOW}
    rows = {sessions.session_id(str(n)): row | {"seen": NOW} for n in range(sum(sessions.KIND_MAX.values()))}
    assert len(json.dumps(rows)) <= 8192


def test_browsers_in_two_words():
    agents = {
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox · Linux",
        "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36": "Chrome · Android",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1": "Safari · iPhone",
        "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0": "Edge · Windows",
        "curl/8": "Browser",
    }
    for agent, words in agents.items():
        assert sessions.browser(agent) == words


@pytest.mark.parametrize(
    ("name", "values", "wrong"),
    [
        ("id", [1, 2**52], [0, -1, 2**53, "1", 1.0, True, None]),
        ("shared", [True, False], [0, "true", None]),
        ("feature", ["history"], ["", "History", "dns", 1]),
        ("label", ["Mia's tablet", "a", "x" * 64, "日本"], ["", " ", "x" * 65, "a\nb", "a\0", "\ud800", "\u202e"]),
        (
            "text",
            ["🤷‍♀️", "می‌خواهم", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🫨", "\U0001fae9 new", "Non\u202f!", "日本\u3000語", "क्‍ष"],
            ["\u200d", "a\u202eb", "a\u2028b"],
        ),
        ("limit", [1, 200], [0, 201]),
        ("lines", [[], ["block a.example\t"], ["x" * 500] * 100], ["x", [1], ["x" * 501], ["x"] * 101, None]),
    ],
)
def test_fields(name, values, wrong):
    for value in values:
        schema.check("", name, value)
    for value in wrong:
        with pytest.raises(Problem) as caught:
            schema.check("", name, value)
        assert caught.value.status == 422 and caught.value.extra["field"] == name


def test_events_carry_no_unknown_kind():
    assert sse.encode({"event": "web", "x": 1}) == b""
    assert sse.encode({"event": "lists"}) == b"event: lists\ndata: {}\n\n"
    assert b"\n\n" not in sse.encode({"event": "device", "label": "a\n\nevent: ledger\ndata: {}"})[:-2]


def test_packed_files_are_served_to_everybody(tmp_path):
    """As a package installs them: gzip on disk, unpacked for those who do not take it."""
    shutil.copytree(FOLDER, tmp_path / "static")
    assert bundle.main(str(tmp_path / "static")) == 0
    for path in (tmp_path / "static").rglob("*.*"):
        if path.is_file():
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    files, plain = Files(str(tmp_path / "static")), Files()
    for name in ("/style.css", "/app.js", "/text/de.json"):
        head = Head("GET", name, "", [("accept-encoding", "gzip, br")], 0, True, False)
        packed = files.respond(head, files.find(name))
        assert ("Content-Encoding", "gzip") in packed.headers
        bare = files.respond(Head("GET", name, "", [], 0, True, False), files.find(name))
        assert gzip.decompress(packed.body) == bare.body == gzip.decompress(plain.respond(head, plain.find(name)).body)
    assert files.find("/style.css.gz") is None and files.find("/js/app.js") is None


@pytest.mark.parametrize("packed", [True, False])
def test_what_has_its_hash_in_its_name_is_fetched_once(tmp_path, packed):
    """index.html is asked for each time and names the rest; a changed file has another name."""
    folder = tmp_path / "static"
    shutil.copytree(FOLDER, folder)
    if packed:
        bundle.main(str(folder))

    def named():
        files = Files(str(folder))
        head = Head("GET", "/", "", [], 0, True, False)
        page = files.respond(head, files.find("/"))
        assert ("Cache-Control", "no-cache") in page.headers
        return files, re.findall(r'(?:src|href)="(/[^"]+)"', page.body.decode())

    files, names = named()
    languages = list((Path(FOLDER) / "text").iterdir())
    assert len(names) == 6 + len(languages) and all(re.search(r"-[0-9a-f]{12}\.\w+$", name) for name in names)
    for name in names:
        reply = files.respond(Head("GET", name, "", [], 0, True, False), files.find(name))
        assert ("Cache-Control", "public, max-age=31536000, immutable") in reply.headers
    # A page from before an update asks for a name from before: it gets what is there now, and keeps it no longer.
    old = "/app-000000000000.js"
    reply = files.respond(Head("GET", old, "", [], 0, True, False), files.find(old))
    assert reply.status == 200 and ("Cache-Control", "no-cache") in reply.headers
    (folder / "text" / "de.json").write_text('{"product": "P"}')
    assert [one for one in named()[1] if one not in names] == [one for one in named()[1] if one.startswith("/text/de-")]


def test_a_language_counts_as_soon_as_it_is_installed(tmp_path):
    """Its package brings two packed files; the next page names them, and none after they are gone."""
    folder = tmp_path / "static"
    shutil.copytree(FOLDER, folder)
    bundle.main(str(folder))
    others = {path: path.read_bytes() for path in (folder / "text").iterdir() if path.name != "en.json"}
    for path in others:
        path.unlink()
    files = Files(str(folder))

    def spoken():
        page = files.respond(Head("GET", "/", "", [], 0, True, False), files.find("/")).body.decode()
        return re.findall(r'data-text="([\w-]+)"', page), page

    assert spoken()[0] == ["en"]
    for path in others:
        if path.name.startswith("de."):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(others[path]))
    languages, page = spoken()
    assert languages == ["de", "en"]
    (address,) = re.findall(r'data-sentences="(/text/de\.sentences-[0-9a-f]{12}\.json)"', page)
    asked = Head("GET", address, "", [], 0, True, False)
    assert "no device {}" in json.loads(files.respond(asked, files.find(address)).body)
    for path in (folder / "text").glob("de.*"):
        path.unlink()
    assert spoken()[0] == ["en"]


def test_what_is_not_translated_yet_is_english(tmp_path):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "en.json").write_text('{"a.b": "One", "a.c": "Two"}')
    (tmp_path / "text" / "fr.json").write_text('{"a.b": "Un", "no device {}": "aucun appareil {}"}')
    made = {path: json.loads(text) for path, text in bundle.texts(str(tmp_path)).items()}
    assert made["/text/fr.json"] == {"a.b": "Un", "a.c": "Two"}
    assert made["/text/fr.sentences.json"] == {"no device {}": "aucun appareil {}"}
    assert "/text/en.sentences.json" not in made


def test_modules_that_import_each_other_are_not_joined(tmp_path):
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "app.js").write_text('import { b } from "./b.js";\nexport const a = b;\n')
    (tmp_path / "js" / "b.js").write_text('import { a } from "./app.js";\nexport const b = a;\n')
    with pytest.raises(ValueError, match=r"/js/app\.js → /js/b\.js → /js/app\.js"):
        bundle.script(str(tmp_path))
    (tmp_path / "js" / "b.js").write_text("export let b = 1;\n")
    with pytest.raises(ValueError, match="export of another kind"):
        bundle.script(str(tmp_path))


def test_every_module_of_the_page_is_reachable():
    """What index.html loads, and what that imports, is there; nothing else lies about."""
    import os
    import re

    waiting, seen = ["/index.html", bundle.OPENER], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name.endswith(".png"):
            continue
        with open(FOLDER + name, encoding="utf-8") as file:
            text = file.read()
        found = re.findall(r'(?:from |import |import\()"(\.[^"]+)"', text) + re.findall(
            r'(?:src|href)="(/[^"]+\.\w+)"', text
        )
        waiting += [os.path.normpath(os.path.join(os.path.dirname(name), one)) for one in found]
    shipped = {os.path.join(folder, name)[len(FOLDER) :] for folder, _, names in os.walk(FOLDER) for name in names}
    # Named by other files: the manifest, and lib/shell.js.
    seen |= {"/icon-512.png", "/sw.js"}
    assert {name for name in shipped if not name.startswith("/text/")} == seen
