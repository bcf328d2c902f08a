"""The copy of the history on flash, sealed to a passphrase: whoever takes the router away can't read it.

The passphrase becomes a key pair (argon2id, X25519). Its public half is enough to seal, so that nothing that could open
a copy is stored or stays in memory. The file is in the age format. All of it is done in forked children.
"""

import os
from collections.abc import Callable, Generator, Iterator

from agent.core import jsontext
from agent.core.model import BadInput, Value
from agent.daemon.forked import in_child, let_go
from agent.daemon.store.flashcopy import synced
from agent.daemon.store.state import State
from agent.platform.hashing import sha256

MYPY = False
if MYPY:  # in children alone
    from agent.core.seal import Primitives

KEY = "history copy key"  # in meta: {"salt", "public"}
TOPS = "history copy tops"  # in meta: the highest id of each table in the copy, and the household's age then
SALT_BYTES = 16
LOOKS_MAX = 1200  # a minute; a slow router works out a key in seconds

Steps = Generator[float | None, None, bool]


class CopyKey(Value):
    __slots__ = ("salt", "public")

    def __init__(self, salt: bytes, public: bytes) -> None:
        self.salt = salt
        self.public = public

    def text(self) -> str:
        return jsontext.dumps({"salt": self.salt.hex(), "public": self.public.hex()})


def stored(state: State) -> CopyKey | None:
    found = jsontext.loads(state.meta(KEY, "null"))
    return CopyKey(bytes.fromhex(found["salt"]), bytes.fromhex(found["public"])) if found else None


def public_of(passphrase: str, salt: bytes, folder: str) -> Generator[float | None, None, bytes | None]:
    """The public half of what a passphrase becomes; None where there is no memory for it. By way of a file in RAM."""
    path = os.path.join(folder, "history.key")

    def work() -> None:
        with open(path, "wb") as file:
            file.write(_primitives().public_of(_secret(passphrase, salt)))

    made = yield from in_child(work, LOOKS_MAX)
    try:
        with open(path, "rb") as file:
            return file.read() if made else None
    except OSError:
        return None
    finally:
        if os.path.exists(path):
            os.unlink(path)


def opened(passphrase: str, key: CopyKey, sealed: str, target: str) -> Steps:
    """Whether it is the passphrase: then the copy lies open at `target`, in RAM."""

    def work() -> None:
        secret, primitives = _secret(passphrase, key.salt), _primitives()
        if primitives.public_of(secret) != key.public:
            raise BadInput("another passphrase")
        from agent.core import age

        with open(sealed, "rb") as file:
            plain = age.decrypt(primitives, secret, file.read())
        with open(target, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(plain)

    return (yield from in_child(work, LOOKS_MAX))


def write_sealed_and_exit(source: str, target: str, public: bytes, prepare: Callable[[], None]) -> None:
    """As flashcopy.write_and_exit, sealed."""
    code = 1
    try:
        let_go()
        prepare()
        from agent.core import age

        with open(source, "rb") as file:
            pieces = age.encrypted(_primitives(), [public], os.urandom(age.RANDOM_BYTES), _chunks(file.read))
            synced(target, pieces)
        code = 0
    finally:
        os._exit(code)


def _chunks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    from agent.core.age import CHUNK_BYTES

    while chunk := read(CHUNK_BYTES):
        yield chunk


def _secret(passphrase: str, salt: bytes) -> bytes:
    from agent.platform import sodium  # here: the daemon itself loads no ctypes

    return sodium.load().key_from_passphrase(passphrase.encode(), salt)


def _primitives() -> "Primitives":
    from agent.core.seal import Primitives
    from agent.platform import sodium

    found = sodium.load_sealing()
    return Primitives(sha256, found.x25519, found.public_of, found.encrypt, found.decrypt)
