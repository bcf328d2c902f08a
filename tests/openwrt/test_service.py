"""The service under procd and ujail, as OpenWrt has them: how it starts, reloads and ends, and what the log tells."""

from tests.openwrt.userland import Router

INIT = "/etc/init.d/privacy-agent"
INSTANCE = "/tmp/run/procd/privacy-agent/instance1"


def test_the_jails_command_is_a_program_and_no_script(router: Router) -> None:
    """ujail can't load the interpreter of a script: "failed to load dependencies", for ever."""
    command = router.ask(f"cat {INSTANCE}/command").splitlines()
    assert command[:2] == ["/usr/bin/python3", "/usr/bin/privacy-agent"]
    assert (router.root / command[0].lstrip("/")).read_bytes()[:4] == b"\x7fELF"
    # What is started by its name inside, is there.
    assert "ro /usr/bin/privacy-agent" in router.ask(f"cat {INSTANCE}/mounts").splitlines()


def test_a_script_as_command_never_starts(router: Router) -> None:
    code, told = router.run(f"/sbin/ujail {INSTANCE} /usr/bin/privacy-agent run")
    assert (code, told) == (1, "jail: failed to load dependencies\n")


def test_the_log_has_the_agents_name_in_each_line(router: Router) -> None:
    """procd tags what a service writes by the program's name, which is python3."""
    lines = [line for line in router.log() if " python3[" in line]
    assert any(line.endswith("]: privacy-agent: ready") for line in lines)
    assert [line for line in lines if "]: privacy-agent: " not in line] == []


def test_nothing_is_mounted_that_is_replaced_outside(router: Router) -> None:
    """A file's mount keeps the file that it was: /etc/TZ and resolv.conf are made anew by the router."""
    mounts = {line.split()[1] for line in router.ask(f"cat {INSTANCE}/mounts").splitlines()}
    assert not mounts & {"/etc/TZ", "/etc/localtime", "/etc/resolv.conf"}
    assert "'/var/run/privacy-agent/resolv.conf'" in router.ask("cat /etc/config/privacy-agent")
    router.ask("echo 'nameserver 127.0.0.2' > /etc/resolv.new && mv /etc/resolv.new /etc/resolv.conf")
    router.ask(f"{INIT} reload")
    _, daemon = router.residents()
    assert router.ask(f"cat /proc/{daemon}/root/var/run/privacy-agent/resolv.conf") == "nameserver 127.0.0.2\n"
    router.ask("echo 'nameserver 127.0.0.1' > /etc/resolv.conf")


def test_a_stop_is_waited_for(router: Router) -> None:
    """term_timeout is what ujail gives: the guard ends by itself, and what it held is gone when the stop is over."""
    began = float(router.ask("cut -d' ' -f1 /proc/uptime"))
    router.ask(f"{INIT} stop")
    assert router.residents() == []
    assert float(router.ask("cut -d' ' -f1 /proc/uptime")) - began < 15
    assert any(line.endswith("privacy-agent: stopped") for line in router.log())
    router.ask(f"{INIT} start")
    router.until(router.running, "it does not start again")


def test_what_is_not_named_is_not_in_the_jail(router: Router) -> None:
    """The real one's root is empty: no /tmp, no shell, no names of hosts. What needs one fails here, too."""
    _, daemon = router.residents()
    root = f"/proc/{daemon}/root"
    for absent in ("/bin", "/tmp/log", "/etc/hosts", "/etc/config", "/sbin"):
        assert router.code(f"test -e {root}{absent}") == 1, absent
    assert router.ask(f"ls {root}/etc").split() == ["group", "passwd", "privacy-agent", "resolv.conf", "ssl"]


def test_the_page_and_the_other_jobs_have_a_user_each(router: Router) -> None:
    """A fetch that was taken over must not read, trace or signal the process that knows passwords."""
    users = [line.split("'")[1] for line in router.ask("grep _user /etc/config/privacy-agent").splitlines()]
    found = {line.split(":")[0]: line.split(":")[2:4] for line in router.ask("cat /etc/passwd").splitlines()}
    assert len(users) == len(set(users)) == 2
    (uid, gid), (other_uid, other_gid) = (found[user] for user in users)
    assert uid != other_uid and gid != other_gid and "0" not in (uid, gid, other_uid, other_gid)
    _, daemon = router.residents()
    for user in users:  # the jail sees both
        assert f"\n{user}:" in router.ask(f"cat /proc/{daemon}/root/etc/passwd"), user
