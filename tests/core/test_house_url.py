"""What may be told of something is inside the house, and written as a number."""

from agent.core.house_url import read
from agent.core.model import BadInput


def parts(text):
    found = read(text)
    return found.host, found.port, found.authority, found.path


def test_addresses_of_private_networks():
    assert parts("http://192.168.1.5/") == ("192.168.1.5", 80, "192.168.1.5", "/")
    assert parts("http://10.0.0.1:8123/api/webhook/x?y=1") == ("10.0.0.1", 8123, "10.0.0.1:8123", "/api/webhook/x?y=1")
    assert parts("http://172.31.255.1") == ("172.31.255.1", 80, "172.31.255.1", "/")
    assert parts("http://169.254.1.1/a")[0] == "169.254.1.1"
    assert parts("http://[fd00::5]:81/a") == ("fd00::5", 81, "[fd00::5]:81", "/a")


def test_everything_else_is_refused():
    for text in (
        "",
        "http://",
        "https://192.168.1.5/",
        "HTTP://192.168.1.5/",
        "http://8.8.8.8/",
        "http://172.32.0.1/",
        "http://192.169.0.1/",
        "http://100.64.0.1/",
        "http://127.0.0.1/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://[2001:db8::1]/",
        "http://[::ffff:192.168.1.5]/",
        "http://[::1]/",
        "http://[fe80::1]/",
        "http://nas.lan/",
        "http://192.168.1.5.example/",
        "http://user:word@192.168.1.5/",
        "http://192.168.1.5@8.8.8.8/",
        "http://192.168.1.5#@8.8.8.8/",
        "http://8.8.8.8?192.168.1.5/",
        "http://192.168.1.5:0/",
        "http://192.168.1.5:99999/",
        "http://192.168.1.5\\@8.8.8.8/",
        "http://192.168.001.005/",
        "http://3232235781/",
        "http://192.168.1.5/a b",
        "http://192.168.1.5/\r\nHost: x",
        "http://192.168.1.5/" + "a" * 400,
        "ftp://192.168.1.5/",
        "http:192.168.1.5",
    ):
        try:
            read(text)
        except BadInput:
            continue
        raise AssertionError(text)
