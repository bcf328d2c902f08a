"""Files in the age format: sealed, opened, and not opened. Runs on both interpreters."""

from agent.core import age, bech32
from agent.core.model import BadInput
from agent.core.seal import KEY_BYTES, Primitives
from tests.core import pure

PRIMITIVES = Primitives(pure.sha256, pure.x25519, pure.public_of, pure.encrypt, pure.decrypt)
SECRET = bytes(range(32))
PUBLIC = pure.public_of(SECRET)
RANDOM = bytes(range(100, 100 + age.RANDOM_BYTES))
# Made by age-keygen.
PAIR = (
    "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0",
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
)


def refused(call, *arguments):
    try:
        call(*arguments)
    except BadInput:
        return True
    return False


def sealed(plain):
    return age.encrypt(PRIMITIVES, [PUBLIC], RANDOM, plain)


def test_keys_in_text():
    secret = age.identity(PAIR[0])
    assert age.identity(PAIR[0].lower()) == secret
    assert bech32.encode("age-secret-key-", secret).upper() == PAIR[0]
    public = age.recipient(bech32.encode("age", PUBLIC))
    assert public == PUBLIC
    for size in range(40):
        assert bech32.decode("age", bech32.encode("age", bytes(range(size)))) == bytes(range(size))


def test_keys_that_are_none():
    good = bech32.encode("age", PUBLIC)
    for at in range(len(good)):
        other = "q" if good[at] != "q" else "p"
        assert refused(age.recipient, good[:at] + other + good[at + 1 :]), at
        assert refused(age.recipient, good[:at]), at
    for text in ("", "age1", "1", good + "q", " " + good, good.replace("age", "Age"), PAIR[0], "age1" + "q" * 58, "ä"):
        assert refused(age.recipient, text), text
    assert refused(age.recipient, bech32.encode("age", PUBLIC[:31]))
    assert refused(age.identity, bech32.encode("age-secret-key-", PUBLIC + b"x"))


def test_what_was_sealed_opens_for_its_key_alone():
    for plain in (b"", b"a", b"week" * 1000):
        assert age.decrypt(PRIMITIVES, SECRET, sealed(plain)) == plain
    assert refused(age.decrypt, PRIMITIVES, bytes(31) + b"\1", sealed(b"a"))


def test_several_recipients():
    other = bytes(range(1, 33))
    random = RANDOM + bytes(range(7, 7 + KEY_BYTES))
    made = age.encrypt(PRIMITIVES, [PUBLIC, pure.public_of(other)], random, b"both")
    assert age.decrypt(PRIMITIVES, SECRET, made) == age.decrypt(PRIMITIVES, other, made) == b"both"


def test_a_changed_byte_and_a_missing_end_are_noticed():
    made = sealed(b"some text")
    for at in range(0, len(made), 7):
        assert refused(age.decrypt, PRIMITIVES, SECRET, made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :]), at
        assert refused(age.decrypt, PRIMITIVES, SECRET, made[:at]), at
    assert refused(age.decrypt, PRIMITIVES, SECRET, made + b"x")


def test_a_key_that_agrees_with_everybody_is_refused():
    assert refused(age.encrypt, PRIMITIVES, [bytes(32)], RANDOM, b"text")
