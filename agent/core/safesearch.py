"""Safe search and YouTube's restricted mode: which hosts are answered otherwise, and by what.

The operators offer a second name for each of these hosts that shows only what suits children; whoever is sent there by
DNS can't switch it off. Facts by the operators' help pages: Google (websearch 186669), YouTube (a/answer/6214622),
Bing, DuckDuckGo, Ecosia (article 174), Pixabay (blog 140); Yandex names an address. Names stand for themselves alone.
"""

from agent.core.model import Value
from agent.core.wire import ANY, CNAME, HTTPS, IN, SVCB, A

OFF, ON, STRICT, MODERATE = "off", "on", "strict", "moderate"
SEARCH = (OFF, ON, STRICT)
YOUTUBE = (OFF, MODERATE, STRICT)

# What becomes of a question about such a host.
ALIAS, ASK, ADDRESS, NODATA = "alias", "ask", "address", "nodata"
NO_SERVICE_RECORDS = (HTTPS, SVCB, ANY)  # they carry addresses, and keys that hide the name from the router

_GOOGLE = b"www.google."
# What follows it: alone, behind "co.", behind "com.". Each stands between spaces, which no canonical name holds.
_PLAIN = (
    b" ad ae al am as at az ba be bf bg bi bj bs bt by ca cat cd cf cg ch ci cl cm cn co com cv cz de dj dk dm dz ee es"
    b" fi fm fr ga ge gg gl gm gp gr gy hn hr ht hu ie im iq is it je jo kg ki kz la li lk lt lu lv md me mg mk ml mn"
    b" ms mu mv mw ne nl no nr nu pl pn ps pt ro rs ru rw sc se sh si sk sm sn so sr st td tg tk tl tm tn to tt vg vu"
    b" ws "
)
_CO = b" ao bw ck cr id il in jp ke kr ls ma mz nz th tz ug uk uz ve vi za zm zw "
_COM = (
    b" af ag ai ar au bd bh bn bo br bz co cu cy do ec eg et fj gh gi gt hk jm kh kw lb ly mm mt mx my na nf ng ni np"
    b" om pa pe pg ph pk pr py qa sa sb sg sl sv tj tr tw ua uy vc vn "
)
_YANDEX = b" az by co.il com com.am com.ge com.ru com.tr de ee eu fi fr kz lt lv md net org pl ru tj tm uz "


class SafeHost(Value):
    """The safe form of a host: the operator's second name `target`, or an `address` (4 bytes) where that is all."""

    __slots__ = ("operator", "target", "address")

    def __init__(self, operator: str, target: bytes, address: bytes = b"") -> None:
        self.operator = operator
        self.target = target
        self.address = address


GOOGLE = SafeHost("Google", b"forcesafesearch.google.com")
YANDEX = SafeHost("Yandex", b"", bytes([213, 180, 193, 56]))
_BING = SafeHost("Bing", b"strict.bing.com")
_DUCKDUCKGO = SafeHost("DuckDuckGo", b"safe.duckduckgo.com")
ENGINES = {
    b"www.bing.com": _BING,
    b"edgeservices.bing.com": _BING,
    b"duckduckgo.com": _DUCKDUCKGO,
    b"www.duckduckgo.com": _DUCKDUCKGO,
    b"start.duckduckgo.com": _DUCKDUCKGO,
    b"pixabay.com": SafeHost("Pixabay", b"safesearch.pixabay.com"),
    b"www.ecosia.org": SafeHost("Ecosia", b"strict-safe-search.ecosia.org"),
    b"ya.ru": YANDEX,
    b"www.ya.ru": YANDEX,
    b"xn--d1acpjx3f.xn--p1ai": YANDEX,
    b"www.xn--d1acpjx3f.xn--p1ai": YANDEX,
}
YOUTUBE_HOSTS = (
    b"www.youtube.com",
    b"m.youtube.com",
    b"youtubei.googleapis.com",
    b"youtube.googleapis.com",
    b"www.youtube-nocookie.com",
)
YOUTUBE_MODES = {
    MODERATE: SafeHost("YouTube", b"restrictmoderate.youtube.com"),
    STRICT: SafeHost("YouTube", b"restrict.youtube.com"),
}

TARGETS = frozenset(
    [safe.target for safe in [GOOGLE] + list(ENGINES.values()) + list(YOUTUBE_MODES.values()) if safe.target]
)
# One of these is in each of the names: most others are told by that.
_WORDS = (b"google", b"youtube", b"bing.", b"duckduckgo", b"pixabay", b"ecosia", b"yandex", b"ya.ru", b"xn--d1acpjx3f")

# Engines without a safe form that DNS could lead to, with all below them: refused where search is strict. Brave's is
# not settled: its makers and its users name different hosts.
_UNSAFE = (
    b"search.brave.com startpage.com qwant.com search.yahoo.com search.yahoo.co.jp html.duckduckgo.com"
    b" lite.duckduckgo.com mojeek.com metager.de metager.org kagi.com you.com yep.com presearch.com gibiru.com"
    b" dogpile.com webcrawler.com metacrawler.com search.aol.com search.aol.co.uk suche.aol.de recherche.aol.fr"
    b" search.aol.ca results.excite.com baidu.com sogou.com go.mail.ru nova.rambler.ru search.seznam.cz"
    b" search.naver.com fireball.de gigablast.com searchencrypt.com yippy.com millionshort.com spot.murena.io"
)
UNSAFE = frozenset(_UNSAFE.split())
# Programs that ask other engines, which anybody may run: mostly below a label with their name.
PROXY_LABELS = frozenset((b"searx", b"searxng", b"whoogle", b"librex", b"librey", b"4get"))


def safe_host(name: bytes, search: str, youtube: str) -> "SafeHost | None":
    """The safe form of a canonical name for whoever has these modes; None for a name that stays as it is."""
    if youtube != OFF and name in YOUTUBE_HOSTS:
        return YOUTUBE_MODES[youtube]
    if search == OFF:
        return None
    if name.startswith(_GOOGLE):
        return GOOGLE if _google_suffix(name[len(_GOOGLE) :]) else None
    found = ENGINES.get(name)
    if found is None and b"yandex." in name:
        plain = name[4:] if name.startswith(b"www.") else name
        if plain.startswith(b"yandex.") and _among(plain[7:], _YANDEX):
            return YANDEX
    return found


def hosts_or_target(name: bytes) -> bool:
    """Whether a name is one that has a safe form in some mode, or is the target of one."""
    if not [word for word in _WORDS if word in name]:
        return False
    return name in TARGETS or safe_host(name, ON, MODERATE) is not None


def _google_suffix(suffix: bytes) -> bool:
    if suffix.startswith(b"co."):
        return _among(suffix[3:], _CO)
    if suffix.startswith(b"com."):
        return _among(suffix[4:], _COM)
    return _among(suffix, _PLAIN)


def _among(word: bytes, words: bytes) -> bool:
    return b" " + word + b" " in words


def unsafe_engine(name: bytes, search: str) -> "bytes | None":
    """What `search` refuses of a canonical name: the engine that it is, or is below. None for all else."""
    if search != STRICT:
        return None
    at = 0
    while True:
        end = name.find(b".", at)
        if name[at:] in UNSAFE or name[at : end if end >= 0 else len(name)] in PROXY_LABELS:
            return name[at:]
        if end < 0:
            return None
        at = end + 1


def treatment(safe: SafeHost, qtype: int, qclass: int) -> str:
    """How a question for a host with that safe form is answered: ALIAS, the alias alone; ASK, the alias and what the
    target has; ADDRESS; or NODATA.
    """
    if qclass != IN or qtype in NO_SERVICE_RECORDS:
        return NODATA
    if safe.address:
        return ADDRESS if qtype == A else NODATA
    return ALIAS if qtype == CNAME else ASK


def of_answer(chain: list[bytes], search: str, youtube: str) -> "SafeHost | None":
    """The safe form of the first such host that an answer's aliases lead to: whoever asked for that name asked for the
    host.
    """
    if search == OFF and youtube == OFF:
        return None
    for name in chain:
        safe = safe_host(name, search, youtube)
        if safe is not None:
            return safe
    return None
