"""The report job: seals what the daemon counted, and sends what is due: reports to an operator, and the household's own
weekly file. It never sees more than their texts.

Started by the daemon with a control connection; it dies with the daemon, and on opting out it is killed. A report that
was sent when it died is sent once more, byte for byte: the receiver knows it by its id.
"""

import binascii
import os
import socket
import sys

from agent.client import ControlClient, ControlError, Unreachable
from agent.control.messages import Row
from agent.core import age, envelope, seal, week_file
from agent.core.model import BadInput, spoken
from agent.jobs.upload import LATER, Outcome, post, put
from agent.platform import sodium
from agent.platform.hashing import sha256
from agent.platform.pdeathsig import die_with_parent

PAUSE_S = 3600
PAUSE_MAX_S = 86400
DOUBLINGS_MAX = 6


def pause_s(failures: int, chance: int) -> int:
    """Seconds until the next try after so many failures, with a jitter of a half; `chance` is 16 random bits."""
    doubled = min(PAUSE_S << min(failures, DOUBLINGS_MAX), PAUSE_MAX_S)
    return doubled + doubled * chance // 131072


def primitives() -> seal.Primitives:
    found = sodium.load_sealing()
    return seal.Primitives(sha256, found.x25519, found.public_of, found.encrypt, found.decrypt)


def run(client: ControlClient) -> None:
    """Both kinds, one after the other."""
    reports(client)
    files(client)


def reports(client: ControlClient) -> None:
    """Seal, then send what is due; what was sealed just now is sent when its own time comes."""
    work = client.call("report.work")
    operator = _row(work["operator"])
    waiting = _rows(work["seal"])
    if waiting:
        tools, public = primitives(), bytes.fromhex(str(operator["key"]))
        for row in waiting:
            client.call("report.sealed", id=row["id"], body=sealed(tools, public, row))
    if work["send"]:
        send(client, operator, _row(work["send"]))


def send(client: ControlClient, operator: Row, row: Row) -> None:
    # Asked for right before it leaves: what was withdrawn meanwhile is refused here.
    body = str(client.call("report.body", id=row["id"])["body"])
    outcome = post(str(operator["address"]), body.encode(), str(operator["authority"]))
    client.call("report.outcome", id=row["id"], **outcome_row(outcome, row))


def outcome_row(outcome: Outcome, row: Row) -> Row:
    chance = int.from_bytes(os.urandom(2), "big")
    pause = pause_s(_int(row["failures"]), chance) if outcome.kind == LATER else 0
    return {"outcome": outcome.kind, **spoken("message", outcome.said), "pause_s": pause}


def sealed(tools: seal.Primitives, public: bytes, row: Row) -> str:
    made = envelope.make(
        tools, public, os.urandom(32), str(row["text"]), _int(row["notice"]), _int(row["period"]), str(row["report"])
    )
    return made.body().decode()


def files(client: ControlClient) -> None:
    """The same for the weekly file. A first one goes at once, so what is to be sent is asked for after sealing."""
    work = client.call("report.file_work")
    waiting = _rows(work["seal"])
    if waiting:
        tools, public = primitives(), age.recipient(str(work["recipient"]))
        for row in waiting:
            text = str(client.call("report.file_text", id=row["id"])["text"])
            client.call("report.file_sealed", id=row["id"], body=_base64(sealed_file(tools, public, text)))
        work = client.call("report.file_work")
    if work["send"]:
        send_file(client, _row(work["send"]))


def sealed_file(tools: seal.Primitives, public: bytes, text: str) -> bytes:
    return age.encrypt(tools, [public], os.urandom(age.RANDOM_BYTES), week_file.padded(text))


def send_file(client: ControlClient, row: Row) -> None:
    # Where it goes, too, is asked for right before it leaves.
    given = client.call("report.file_body", id=row["id"])
    user, password = str(given["user"]), str(given["password"])
    word = week_file.authorization(user, password) if user else ""
    body = binascii.a2b_base64(str(given["body"]))
    outcome = put(str(given["address"]), body, str(given["authority"]), word)
    client.call("report.file_outcome", id=row["id"], **outcome_row(outcome, row))


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()


def _row(value: object) -> Row:
    return value if isinstance(value, dict) else {}


def _rows(value: object) -> list[Row]:
    return value if isinstance(value, list) else []


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def main() -> int:
    die_with_parent()
    client = ControlClient(socket.socket(fileno=int(os.environ["PRIVACY_AGENT_CONTROL_FD"])))
    try:
        run(client)
    except (Unreachable, ControlError, BadInput, sodium.Unavailable) as error:
        print(f"privacy-agent: report: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
