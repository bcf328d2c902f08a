"""Files are the same on every processor: these digests hold on each, and what is written is read."""

from pathlib import Path

from agent.platform.hashing import sha256
from tests.platform import exchange


def test_a_household_and_its_files_come_back(tmp_path: Path) -> None:
    exchange.write(tmp_path / "made")
    exchange.read(tmp_path / "made")


def test_the_files_have_the_same_bytes_everywhere() -> None:
    assert sha256(exchange.rules_file()).hex() == "6710f3dce34f03b2c0910627fd7e87ee1021f23e7b395f623cc6df02b18dfa9d"
    assert sha256(exchange.suffixes_file()).hex() == "bb2d34e07454e9134de2eeee2d7e17646a22772f66fa56077a128b5e7ed5ea31"
    assert exchange.spilled().hex() == "000000000000000101020304050607088000000000000000"
