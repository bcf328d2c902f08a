"""Texts on disk: packed and plain ones read alike in any pieces; what is damaged is said; hashes go by the text."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.model import BadInput
from agent.platform.gzip_text import TextFile, TextWriter, text_hash, text_size

LINES = b"".join(b"name%d.example\n" % at for at in range(20_000))
TEXTS = {"none": b"", "short": b"x", "lines": LINES, "one long line": b"a" * 3_000_000}


def pack(path: Path, text: bytes, piece: int = 7001) -> str:
    with path.open("wb") as file:
        writer = TextWriter(file)
        for at in range(0, len(text), piece):
            writer.write(text[at : at + piece])
        return writer.finish()


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("piece", [1000, 65536, 1 << 22])
def test_packed_and_plain_read_alike(tmp_path: Path, name: str, piece: int) -> None:
    text = TEXTS[name]
    hash = pack(tmp_path / "packed", text)
    (tmp_path / "plain").write_bytes(text)
    assert gzip.decompress((tmp_path / "packed").read_bytes()) == text
    for path in (tmp_path / "packed", tmp_path / "plain"):
        assert text_hash(str(path)) == hash and text_size(str(path)) == len(text)
        with TextFile(str(path)) as file:
            for _ in range(2):
                parts = []
                while part := file.read(piece):
                    parts.append(part)
                assert b"".join(parts) == text and all(len(part) == piece for part in parts[:-1])
                file.rewind()


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_places(tmp_path_factory: pytest.TempPathFactory, text: bytes, places: list[int]) -> None:
    folder = tmp_path_factory.getbasetemp()
    pack(folder / "packed", text, 17)
    with TextFile(str(folder / "packed")) as file:
        for place in sorted(places):
            file.skip_to(place)
            assert file.read(0) == b""
        assert file.read(1000) == text[max(places, default=0) :]


def test_a_hash_is_one_of_the_text_not_of_its_packing(tmp_path: Path) -> None:
    assert pack(tmp_path / "a", LINES, 10) == pack(tmp_path / "b", LINES, 1 << 20)
    assert pack(tmp_path / "c", LINES + b"x") != text_hash(str(tmp_path / "a"))


def test_what_is_damaged_is_said(tmp_path: Path) -> None:
    path = tmp_path / "packed"
    pack(path, LINES)
    whole = path.read_bytes()
    for size in (2, 3, 9, 10, 11, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(BadInput, match="cut short"):
            text_hash(str(path))
    for at in (3, 10, len(whole) // 2, len(whole) - 6):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with pytest.raises(BadInput):
            text_hash(str(path))
