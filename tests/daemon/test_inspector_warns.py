"""A name that is only seen in a connection is looked at as a look-up's is."""

from agent.core.policy import Policy
from agent.daemon.clients import Clients, DeviceView
from agent.daemon.connections.inspector import Inspector


class Records:
    def allowed(self, *what: object) -> None:
        pass


def test_a_name_that_was_let_through_is_told() -> None:
    told: list[tuple[int, bytes]] = []
    made = Inspector(
        Clients(None, lambda address: None),
        Records(),  # type: ignore[arg-type]
        Policy(None, []),
        lambda: 0.0,
        lambda client: None,
        lambda *packet: False,
        warn=lambda device_id, name: told.append((device_id, name)),
    )
    made._noted = {(DeviceView(1, 1, None, 7), b"paypa1.example", "tls"): 2}
    made.flush()
    assert told == [(7, b"paypa1.example")]
