"""An interface that comes up reaches the daemon: procd itself sends a signal only when the settings have changed."""

import socket
import subprocess
from pathlib import Path

import pytest

INIT = Path(__file__).resolve().parents[2] / "packaging/openwrt/privacy-agent/files/privacy-agent.init"

# The init script's own functions, with procd's as words on a line.
RELOAD = """
. {init}
RUN={run}; STALE=$RUN/restart
validate_section() {{ :; }}
procd_running() {{ {running}; }}
procd_send_signal() {{ echo "signal $*"; }}
start() {{ echo start; }}
reload_service
"""


@pytest.mark.parametrize(("running", "ready"), [(True, True), (True, False), (False, False)])
def test_a_reload_is_a_word_to_an_agent_that_can_hear_it(tmp_path: Path, running: bool, ready: bool) -> None:
    listener = socket.socket(socket.AF_UNIX)
    if ready:
        listener.bind(str(tmp_path / "control.sock"))
    script = RELOAD.format(init=INIT, run=tmp_path, running="true" if running else "false")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    listener.close()
    assert done.stdout.splitlines() == ["start"] + ["signal privacy-agent * HUP"] * ready, done.stderr
