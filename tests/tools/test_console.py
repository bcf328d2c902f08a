"""The console's driver against a shell on a real terminal: echo, noise, a console that waits for Enter."""

import os
import pty
import select
import shutil
import signal
import time
from pathlib import Path

import pytest

from tools.openwrt import console

BUSYBOX = shutil.which("busybox")
pytestmark = pytest.mark.skipif(BUSYBOX is None, reason="busybox is not installed")

# A boot loader that shows a menu, a kernel that talks, then what OpenWrt's init does on a serial line.
BOOT = """
echo 'GNU GRUB  version 2.06'; echo '*OpenWrt'; echo ' OpenWrt (failsafe)'
echo '[    0.000000] Linux version 6.6'; sleep 0.2
printf '\\nPlease press Enter to activate this console. '
read -r line
( while sleep 0.05; do echo '[   12.000000] eth0: link becomes ready' > /dev/tty; done ) &
trap "kill $!" EXIT
PS1='root@OpenWrt:/# ' busybox ash -i
"""


class Terminal:
    """A program at the far end of a pseudo terminal."""

    def __init__(self, script: str) -> None:
        self._script = script
        self._start()

    def _start(self) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            assert BUSYBOX is not None
            os.execv(BUSYBOX, ["busybox", "sh", "-c", self._script])

    def read(self, timeout_s: float) -> bytes | None:
        if not select.select([self.fd], [], [], timeout_s)[0]:
            return None
        try:
            return os.read(self.fd, 65536)
        except OSError:  # how a terminal says that nobody is there any more
            return b""

    def write(self, data: bytes) -> None:
        os.write(self.fd, data)

    def restart(self) -> None:
        self.end()
        self._start()

    def end(self) -> None:
        os.killpg(self.pid, signal.SIGKILL)
        os.close(self.fd)
        os.waitpid(self.pid, 0)


@pytest.fixture
def router(tmp_path):
    terminal = Terminal(BOOT)
    driven = console.Console(terminal, tmp_path / "log")
    driven.login(10)
    yield driven
    driven.power_off()


def test_output_and_status_come_back_through_the_noise(router):
    status, output = router.run("echo one; echo two >&2; exit 3")
    # The kernel may write between two lines, never within one.
    assert status == 3
    assert [line for line in output.splitlines() if not line.startswith("[")] == ["one", "two"]
    assert router.run("true")[0] == 0


def test_quotes_dollars_and_the_markers_own_words_pass(router):
    assert "it's $HOME =END2=0=" in router.ask("""echo 'it'"'"'s $HOME =END2=0='""")


def test_a_failing_command_that_must_not_fail(router):
    with pytest.raises(console.StepFailed, match="ended with 1"):
        router.ask("false")


def test_a_command_that_does_not_end_is_given_up(router):
    began = time.monotonic()
    with pytest.raises(console.StepFailed, match="did not show"):
        router.run("sleep 30", 0.5)
    assert time.monotonic() - began < 5


def test_files_arrive_byte_for_byte(router, tmp_path):
    data = bytes(range(256)) * 20 + "Bücher 'n' \\n %s\n".encode()
    router.put(data, str(tmp_path / "arrived"), 0o750)
    assert (tmp_path / "arrived").read_bytes() == data
    assert (tmp_path / "arrived").stat().st_mode & 0o777 == 0o750


def test_a_line_that_a_terminal_would_cut_is_refused(router):
    with pytest.raises(ValueError, match="one line"):
        router.run("echo " + "x" * console.LINE_MAX)
    with pytest.raises(ValueError, match="one line"):
        router.run("echo\necho")


def test_after_a_power_cut_it_logs_in_again(router):
    router.ask("export KEPT=1; echo kept")
    router.power_cut(10)
    assert router.run('echo "<$KEPT>"')[1].splitlines()[-1] == "<>"


def test_a_login_prompt_is_answered(tmp_path):
    script = "printf 'OpenWrt login: '; read -r name; [ \"$name\" = root ] && PS1='# ' busybox ash -i"
    driven = console.Console(Terminal(script), tmp_path / "log")
    driven.login(10)
    assert driven.ask("echo in") == "in"
    driven.power_off()


def test_a_password_is_not_guessed():
    script = "printf 'OpenWrt login: '; read -r name; printf 'Password: '; read -r word"
    driven = console.Console(Terminal(script))
    with pytest.raises(console.StepFailed, match="password"):
        driven.login(10)
    driven.power_off()


def test_a_machine_that_never_asks_is_given_up(tmp_path):
    driven = console.Console(Terminal("echo panic; sleep 60"), tmp_path / "log")
    with pytest.raises(console.StepFailed, match="activate this console"):
        driven.login(0.5)
    driven.power_off()
    assert "panic" in Path(tmp_path / "log").read_text()
