"""The clock is trusted when NTP says so: OpenWrt's ntpd calls the scripts of /etc/hotplug.d/ntp."""

import pytest

from tests.openwrt.userland import Router

SYSNTPD = "#!/bin/sh /etc/rc.common\nSTART=98\nUSE_PROCD=1\nstart_service() { :; }\n"
CALL = "for script in /etc/hotplug.d/ntp/*; do ( . $script ); done"


@pytest.fixture
def waiting(router: Router) -> Router:
    path = router.root / "etc/init.d/sysntpd"
    path.write_text(SYSNTPD)
    path.chmod(0o755)
    router.ask("/etc/init.d/sysntpd enable; /etc/init.d/privacy-agent restart")
    router.until(router.running, "the agent does not run")
    return router


def test_it_waits_for_ntp_and_hears_of_it(waiting: Router) -> None:
    assert waiting.asked("status")["clock_set"] is False
    for event in ("ACTION=unsync stratum=16", "ACTION=stratum stratum=16", "ACTION=periodic stratum=16"):
        waiting.ask(f"export {event}; {CALL}")
    assert waiting.asked("status")["clock_set"] is False
    waiting.ask(f"export ACTION=stratum stratum=3; {CALL}")
    assert waiting.asked("status")["clock_set"] is True
    waiting.ask("/etc/init.d/privacy-agent restart")
    waiting.until(waiting.running, "the agent does not run")
    assert waiting.asked("status")["clock_set"] is True, "of this boot it was confirmed"


def test_where_ntp_is_off_nothing_is_waited_for(waiting: Router) -> None:
    waiting.ask(
        "/etc/init.d/sysntpd disable; rm -f /var/run/privacy-agent/clock-confirmed; /etc/init.d/privacy-agent restart"
    )
    waiting.until(waiting.running, "the agent does not run")
    assert waiting.asked("status")["clock_set"] is True
