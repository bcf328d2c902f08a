"""HPKE against the vectors of RFC 9180, appendix A.2.1, and what must not open."""

from agent.core import envelope, seal, summary
from agent.core.model import BadInput
from tests.core import pure

H = bytes.fromhex
INFO = H("4f6465206f6e2061204772656369616e2055726e")
PLAIN = H("4265617574792069732074727574682c20747275746820626561757479")
EPHEMERAL = H("909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b")
RECIPIENT = H("1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df")
ENC = H("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")
SECRETS = (
    (EPHEMERAL, "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600", ENC.hex()),
    (
        RECIPIENT,
        "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
        "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a",
    ),
)
SHARED = "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7"
KEY = "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91"
NONCE = "5c4d98150661b848853b547f"
EXPORTER = "a3b010d4994890e2c6968a36f64470d3c824c8f5029942feb11e7a74b2921922"
MESSAGES = (
    (0, "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"),
    (1, "6b53c051e4199c518de79594e1c4ab18b96f081549d45ce015be002090bb119e85285337cc95ba5f59992dc98c"),
    (2, "71146bd6795ccc9c49ce25dda112a48f202ad220559502cef1f34271e0cb4b02b4f10ecac6f48c32f878fae86b"),
    (4, "63357a2aa291f5a4e5f27db6baa2af8cf77427c7c1a909e0b37214dd47db122bb153495ff0b02e9e54a50dbe16"),
    (255, "18ab939d63ddec9f6ac2b60d61d36a7375d2070c9b683861110757062c52b8880a5f6b3936da9cd6c23ef2a95c"),
    (256, "7a4a13e9ef23978e2c520fd4d2e757514ae160cd0cd05e556ef692370ca53076214c0c40d4c728d6ed9e727a5b"),
)
EXPORTS = (
    (b"", "4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e"),
    (b"\x00", "8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69"),
    (b"TestContext", "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53"),
)
PRIMITIVES = seal.Primitives(pure.sha256, pure.x25519, pure.public_of, pure.encrypt, pure.decrypt)


def refused(call):
    try:
        call()
    except BadInput:
        return True
    return False


def test_key_pairs_of_the_rfc():
    for material, secret, public in SECRETS:
        assert seal.derive_secret(PRIMITIVES, material).hex() == secret
        assert PRIMITIVES.public_of(H(secret)).hex() == public


def test_the_schedule_of_the_rfc_on_both_sides():
    _, secret, public = SECRETS[1]
    agreed = PRIMITIVES.agree(H(SECRETS[0][1]), H(public))
    assert seal.shared_secret(PRIMITIVES, agreed, ENC, H(public)).hex() == SHARED
    enc, sender = seal.set_up_sender(PRIMITIVES, H(public), EPHEMERAL, INFO)
    assert enc == ENC
    assert (sender.key.hex(), sender.base_nonce.hex(), sender.exporter.hex()) == (KEY, NONCE, EXPORTER)
    assert seal.set_up_receiver(PRIMITIVES, H(secret), enc, INFO) == sender


def test_the_messages_and_exports_of_the_rfc():
    context = seal.Context(H(KEY), H(NONCE), H(EXPORTER))
    for number, sealed in MESSAGES:
        aad = b"Count-" + str(number).encode()
        assert PRIMITIVES.encrypt(context.key, context.nonce(number), aad, PLAIN).hex() == sealed
        assert PRIMITIVES.decrypt(context.key, context.nonce(number), aad, H(sealed)) == PLAIN
    for label, value in EXPORTS:
        assert seal.export(PRIMITIVES, context, label, 32).hex() == value


def test_one_message_both_ways_and_what_does_not_open():
    secret, public = H(SECRETS[1][1]), H(SECRETS[1][2])
    enc, sealed = seal.seal(PRIMITIVES, public, EPHEMERAL, INFO, b"Count-0", PLAIN)
    assert (enc, sealed.hex()) == (ENC, MESSAGES[0][1])
    assert seal.open_sealed(PRIMITIVES, secret, enc, INFO, b"Count-0", sealed) == PLAIN
    spoilt = bytes([sealed[0] ^ 1]) + sealed[1:]
    other = seal.derive_secret(PRIMITIVES, bytes(32))
    assert refused(lambda: seal.open_sealed(PRIMITIVES, secret, enc, INFO, b"Count-0", spoilt))
    assert refused(lambda: seal.open_sealed(PRIMITIVES, secret, enc, INFO, b"Count-1", sealed))
    assert refused(lambda: seal.open_sealed(PRIMITIVES, secret, enc, b"", b"Count-0", sealed))
    assert refused(lambda: seal.open_sealed(PRIMITIVES, other, enc, INFO, b"Count-0", sealed))
    assert refused(lambda: seal.open_sealed(PRIMITIVES, secret, enc, INFO, b"Count-0", b""))


def test_a_key_that_agrees_with_everybody_is_refused():
    for point in (bytes(32), b"\x01" + bytes(31)):
        assert refused(lambda p=point: seal.set_up_sender(PRIMITIVES, p, EPHEMERAL, INFO))
    assert refused(lambda: seal.set_up_sender(PRIMITIVES, bytes(31), EPHEMERAL, INFO))


ANSWER = summary.Answer("blocked", 500, 0)


def envelope_of(answer, period=2968):
    text = summary.render(bytes(16), period, answer)
    return envelope.make(PRIMITIVES, H(SECRETS[1][2]), EPHEMERAL, text, 1, period, bytes(16).hex())


def test_an_envelope_goes_round_at_a_constant_size():
    secret = H(SECRETS[1][1])
    low, high = ANSWER, summary.Answer("blocked", 2000, -summary.ANSWER_MAX)
    bodies = [envelope_of(low).body(), envelope_of(high).body()]
    assert [len(body) for body in bodies] == [envelope.BODY_BYTES] * 2
    for body, answer in zip(bodies, (low, high)):
        read = envelope.parse(body)
        assert read.body() == body
        assert envelope.open_envelope(PRIMITIVES, secret, read).answer == answer


def test_an_envelope_is_bound_to_what_it_says():
    secret, found = H(SECRETS[1][1]), envelope_of(ANSWER)
    for field, value in (("schema", 3), ("notice", 2), ("period", 2969), ("id", "1" * 32), ("key", "1" * 16)):
        changed = envelope.parse(found.body())
        setattr(changed, field, value)
        assert refused(lambda c=changed: envelope.open_envelope(PRIMITIVES, secret, c)), field


def test_what_is_no_envelope():
    body = envelope_of(ANSWER).body()
    for line in (
        b"",
        body[:-1],
        body + b" ",
        b" " * len(body),
        b"[" + body[1:],
        body.replace(b'"notice"', b'"nitice"'),
    ):
        assert refused(lambda one=line: envelope.parse(one))
    for at in range(0, 400, 7):
        spoilt = body[:at] + bytes([body[at] ^ 0x15]) + body[at + 1 :]
        assert refused(lambda one=spoilt: envelope.parse(one)) or envelope.parse(spoilt).body() == spoilt


def plain(sha256):
    return seal.Primitives(
        sha256,
        lambda secret, public: b"s" * 32,
        lambda secret: b"p" * 32,
        lambda key, nonce, aad, text: b"e",
        lambda key, nonce, aad, sealed: b"d",
    )


def test_the_primitives_are_those_that_were_given():
    made = plain(pure.sha256)
    assert made.sha256(b"") == pure.sha256(b"") and made.public_of(b"") == b"p" * 32
    assert (made.x25519(b"", b""), made.encrypt(b"", b"", b"", b""), made.decrypt(b"", b"", b"", b"")) == (
        b"s" * 32,
        b"e",
        b"d",
    )


def test_hmac_and_derivation_by_hand():
    """RFC 2104 where a key fills a block and where it is longer; RFC 5869, appendix A.1; more than 255 bytes."""
    made = plain(pure.sha256)
    assert made.hmac(bytes(range(64)), b"data").hex() == (
        "d042969c6684ddec29a78c05155503a21efcad1d70b07e22febe55216365c67c"
    )
    assert made.hmac(bytes(range(65)), b"data").hex() == (
        "14dd50148c94635aabf78c8bfb31be462fecf178c0b0e6152c0ef5575f21bf16"
    )
    assert made.derive(bytes(range(13)), b"\x0b" * 22, bytes(range(0xF0, 0xFA))).hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    )
    long = made.expand(b"suite", b"secret", b"label", b"info", 300)
    assert len(long) == 300 and pure.sha256(long).hex() == (
        "c9f882635eb8c90c7b8b655582a91396f0a3fa83e7071d9db6eeba4ea05adf92"
    )


def test_both_keys_have_their_size():
    made = plain(pure.sha256)
    assert made.agree(bytes(32), bytes(32)) == b"s" * 32
    for secret, public in ((31, 32), (32, 31), (33, 32), (32, 33), (0, 0)):
        assert refused(lambda s=secret, p=public: made.agree(bytes(s), bytes(p))), (secret, public)
