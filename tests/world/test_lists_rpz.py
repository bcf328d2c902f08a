"""An RPZ zone's wildcard counts at the closest encloser of a name only (RFC 4592, section 3.3.1), as in unbound."""

from pathlib import Path

import pytest

from agent.jobs.compile import Source, compile_lists
from agent.platform.rulefile import open_ruleset

CASES = [
    (["*.d.example CNAME .", "www.d.example CNAME rpz-passthru."], {"sub.www.d.example": False, "x.d.example": True}),
    (
        ["*.d.example CNAME .", "www.d.example CNAME rpz-passthru."],
        {"www.d.example": False, "a.b.www.d.example": False},
    ),
    (
        ["*.d.example CNAME .", "www.d.example CNAME rpz-passthru.", "bad.www.d.example CNAME ."],
        {"bad.www.d.example": True, "good.www.d.example": False},
    ),
    (
        ["*.d.example CNAME .", "www.d.example CNAME rpz-passthru.", "*.www.d.example CNAME ."],
        {"sub.www.d.example": True, "www.d.example": False},
    ),
    # How passing was written before rpz-passthru.
    (["*.d.example CNAME .", "www.d.example CNAME www.D.example."], {"www.d.example": False, "x.d.example": True}),
    # A name between two others is there too, though nothing is said of it.
    (
        ["*.d.example CNAME .", "a.b.c.d.example CNAME rpz-passthru."],
        {
            "x.a.b.c.d.example": False,
            "x.b.c.d.example": False,
            "b.c.d.example": False,
            "x.c.d.example": False,
            "x.d.example": True,
        },
    ),
    (
        ["*.d.example CNAME .", "*.b.d.example CNAME rpz-passthru."],
        {"b.d.example": False, "x.b.d.example": False, "x.d.example": True},
    ),
    (
        ["*.d.example CNAME .", "a.b.d.example CNAME rpz-passthru.", "*.b.d.example CNAME ."],
        {"x.b.d.example": True, "x.a.b.d.example": False, "b.d.example": False, "a.b.d.example": False},
    ),
    # A listed name is there too.
    (
        ["*.d.example CNAME .", "a.b.d.example CNAME ."],
        {
            "a.b.d.example": True,
            "b.d.example": False,
            "x.b.d.example": False,
            "x.a.b.d.example": False,
            "x.d.example": True,
        },
    ),
    (["a.b.d.example. 60 IN TXT hi", "*.d.example CNAME ."], {"a.b.d.example": True, "b.d.example": False}),
    (
        ["*.d.example CNAME .", "*.a.b.d.example CNAME ."],
        {"x.a.b.d.example": True, "a.b.d.example": False, "x.b.d.example": False, "x.d.example": True},
    ),
    (
        ["d.example CNAME .", "*.d.example CNAME .", "www.d.example CNAME .", "*.www.d.example CNAME ."],
        {"d.example": True, "x.d.example": True, "www.d.example": True, "x.www.d.example": True},
    ),
    (["d.example CNAME rpz-passthru.", "*.d.example CNAME ."], {"d.example": False, "x.d.example": True}),
]


@pytest.mark.parametrize(("lines", "expected"), CASES)
def test_the_closest_encloser_decides(tmp_path: Path, lines: list[str], expected: dict[str, bool]) -> None:
    zone = tmp_path / "zone"
    zone.write_text("\n".join(["other.example CNAME .", *lines]) + "\n")
    report = compile_lists([Source(str(zone), "zone", syntax="rpz")], str(tmp_path / "set"))
    assert report.count == len(lines) + 1 and report.repeated == report.folded == 0
    found = open_ruleset(str(tmp_path / "set"))
    got = {}
    for name in expected:
        verdict = found.decide(name.encode(), 1)
        got[name] = verdict is not None and verdict.blocked
    found.close()
    assert got == expected


def test_another_list_is_not_kept_away(tmp_path: Path) -> None:
    texts = [CASES[0][0], ["*.d.example CNAME .", "x.example CNAME ."]]
    sources = []
    for number, lines in enumerate(texts):
        path = tmp_path / f"zone{number}"
        path.write_text("\n".join(lines) + "\n")
        sources.append(Source(str(path), path.name, syntax="rpz"))
    compile_lists(sources, str(tmp_path / "set"))
    found = open_ruleset(str(tmp_path / "set"))
    verdict = found.decide(b"sub.www.d.example", 1)
    found.close()
    assert verdict is not None and verdict.blocked
