"""Many TCP connections of one device at once, as parallel look-ups open them: all are answered, none is reset."""

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dnslib
import pytest

from agent.client import ControlClient
from tests.world.line import Process, Server, agent, await_port

HOST = "127.0.0.1"
CHANGES = 15


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    server = Server(lambda name, at: 0.05)
    made = agent(tmp_path, [server.port])
    try:
        await_port(made)
        yield made
    finally:
        made.close()
        server.close()


@pytest.mark.parametrize("count", [24, 60])
def test_parallel_look_ups_of_one_device(process: Process, count: int) -> None:
    failed: list[object] = []
    together = threading.Barrier(count)

    def look_up(number: int) -> None:
        together.wait()
        try:
            for name in (f"n{number}.example", "same.example"):
                packed = dnslib.DNSRecord.question(name).send(HOST, process.port, tcp=True, timeout=20)
                if not dnslib.DNSRecord.parse(packed).rr:
                    failed.append(name)
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=look_up, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.skipif(shutil.which("dnsperf") is None, reason="dnsperf is not installed")
@pytest.mark.parametrize("clients", [7, 10, 25])
def test_dnsperf_loses_nothing(process: Process, tmp_path: Path, clients: int) -> None:
    """Also while rules change, which is what each list, window and switch does to everybody's connections."""
    asked = tmp_path / "names"
    asked.write_text("".join(f"n{number}.example A\n" for number in range(50)))
    words = ["dnsperf", "-m", "tcp", "-c", str(clients), "-s", HOST, "-p", str(process.port), "-d", str(asked)]
    with subprocess.Popen(
        [*words, "-l", "3", "-Q", "300", "-t", "15"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as asking:
        control = ControlClient(str(tmp_path / "run" / "control.sock"))
        for number in range(CHANGES):
            control.call("block", name=f"other{number}.example", actor="cli")
            time.sleep(0.1)
        control.close()
        said, _ = asking.communicate(timeout=120)
    lost = re.search(r"Queries lost:\s+(\d+)", said)
    assert lost, said
    assert int(lost[1]) == 0, said
