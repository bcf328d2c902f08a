"""A guess whether a name imitates a well-known one, or is that of a throwaway page: a small score, and the features
that made it.

Nothing is asked of anybody: it compares with a shipped table of well-known names. Its figures are in
tests/bench/EVALUATION.md; every text about it must call it a guess.
"""

from agent.core.digits import DIGITS
from agent.core.model import Value
from agent.core.names import is_address, suffixes
from agent.core.punycode import decode
from agent.core.shapes import Registrable

WORD_MIN = 5  # shorter words are parts of too many others
PARTS_MAX = 5  # of a well-known name between dots and hyphens
NAME_MIN = 9  # for a whole name, ending included
INSIDE_MIN = 6  # for a word inside a longer one without a hyphen
EDIT_MIN = 6  # for a word with one slip
SUSPECT = 48  # one wrong in 10,000 popular names; set on the older half of tests/bench/lookalike.py

# Feature → (points, what it says). Enough is a spelling or a whole name, a well-known word with anything beside it, or
# what asks to act at a free host, or twice at a cheap ending.
FEATURES = {
    "spelled": (48, "spells a well-known name with characters that look alike"),
    "whole": (48, "holds a well-known site's whole name, and belongs to another site"),
    "slip": (38, "is a well-known name with one slip"),
    "word": (38, "has a well-known name as a word, and belongs to another site"),
    "inside": (36, "holds a well-known name inside a longer word"),
    "common": (12, "has a well-known name that is also a common word"),
    "lure": (24, "has a word that asks to act: login, verify, wallet and the like"),
    "lures": (12, "has several such words"),
    "hosting": (24, "is a page at a free hosting service"),
    "ending": (12, "has an ending that is cheap and often abused"),
    "digits": (10, "has a run of digits"),
}
THROWAWAY = "a throwaway page"  # what a name looks like that imitates no other

# Words that asked to act in what was found; those that never did are left out.
LURES = frozenset(
    (
        "access alert app appeal auth authenticate authentication badge bank banking billing bonus bridge"
        " business case center claim client clients connect connexion copyright cuenta customer delivery espace"
        " free gift giveaway helpcenter helpdesk home id identity invoice konto locked logon mail meta notice"
        " notification office online page pages pay portal post promo register restore reward service services sso"
        " start swap track upgrade webmail"
    ).split()
)
ENDINGS = frozenset(
    (
        "bid biz bond buzz cam cc cf cfd click cyou date download ga gq icu info life link live lol ml monster"
        " online pw rest review sbs services shop site space store stream support tk today top vip website win"
        " work world ws xyz"
    ).split()
)
LONG_LURES = (
    "login signin secur verif account support wallet update airdrop recover confirm unlock refund payment valida"
).split()
# Free hosting by its registrable part or public suffix; the name before it is its user's.
HOSTING = frozenset(
    (
        "weebly.com weeblysite.com webflow.io vercel.app netlify.app github.io gitlab.io pages.dev workers.dev web.app"
        " firebaseapp.com 000webhostapp.com wixsite.com blogspot.com glitch.me herokuapp.com r2.dev repl.co replit.app"
        " square.site godaddysites.com framer.app framer.website surge.sh render.com onrender.com fly.dev duckdns.org"
        " ddns.net cprapid.com plesk.page easywp.com dweb.link ipfs.io cf-ipfs.com webcindario.com yolasite.com"
        " mystrikingly.com hostingersite.com gitbook.io azurewebsites.net cloudfront.net dpdns.org cloudns.biz is-a.dev"
        " sites.google.com wordpress.com ghost.io carrd.co jimdosite.com myfreesites.net rf.gd 42web.io epizy.com"
    ).split()
)
# Networks that carry others' names as a part of their own: no device is sent there but by the owner of that name.
CARRIERS = frozenset(
    (
        b"akadns.net akadns88.net edgekey.net edgesuite.net akamaized.net akamaihd.net akamai.net cloudflare.net"
        b" fastly.net fastly-edge.com trafficmanager.net azureedge.net azurefd.net msedge.net b-msedge.net a-msedge.net"
        b" s-msedge.net ln-msedge.net dual-s-msedge.net ax-msedge.net cqloud.com elb.amazonaws.com edgecastcdn.net"
        b" llnwd.net footprint.net cdn77.org kxcdn.com b-cdn.net stackpathdns.com incapdns.net impervadns.net"
        b" wpc.v0cdn.net omtrdc.net qualtrics.com medallia.com onetrust.io cookielaw.org demdex.net zendesk.com"
        b" atlassian.net intercom.io force.com salesforce.com"
    ).split()
)
# What stands for what: digits and pairs of letters that look like one.
LETTERS = (("0", "o"), ("1", "l"), ("3", "e"), ("4", "a"), ("5", "s"), ("7", "t"), ("8", "b"), ("9", "g"))
PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("ii", "u"))


# Letters that look like the first of their group (a selection of Unicode's confusables, and marked letters).
CONFUSED = {
    look: group[0]
    for group in (
        "aаαàáâãäåāăąạɑ bƄьḅ cсçćčϲċ dԁďḍđ eеèéêëēėęěẹҽ gɡğĝġģ hһḥ iіıìíîïīịι jј kкḳκ lӏĺľłḷ mмṃ nñńňṇո"
        " oоοòóôõöøōőọօ pрρṕ qԛ rгŕřṛ sѕśšşșṣ tтťţțṭ uսυùúûüūůűụ vνѵ wԝŵѡ xх yуýÿŷү zźżžẓ"
    ).split()
    for look in group[1:]
}


class Guess(Value):
    """`score` in points, `features` that fired, `like`: the well-known name that is imitated ("" if none is)."""

    __slots__ = ("score", "features", "like")

    def __init__(self, score: int, features: list[str], like: str) -> None:
        self.score = score
        self.features = features
        self.like = like

    @property
    def suspect(self) -> bool:
        return self.score >= SUSPECT

    @property
    def what(self) -> str:
        """What the name looks like."""
        return self.like or THROWAWAY

    @property
    def text(self) -> str:
        """The reasons in words."""
        return "; ".join([FEATURES[feature][1] for feature in self.features])


NOTHING = Guess(0, [], "")


def read_known(lines: list[str]) -> list[tuple[str, str]]:
    """(name, word) of each line `name # word`: the word that imitations use, the first label by default, "" for none.

    A word with `~` before it is a common one, too: alone it means little.
    """
    found = []
    for line in lines:
        name, _, word = line.partition("#")
        name, word = name.strip(), word.strip()
        if name:
            word = word or name.split(".")[0]
            found.append((name, "" if word == "-" else word))
    return found


class Lookalike:
    """`known` as `read_known` gives it; `registrable` is a function bytes → bytes (the public suffix list's)."""

    def __init__(self, known: list[tuple[str, str]], registrable: Registrable) -> None:
        self._registrable = registrable
        self._sites = set([registrable(name.encode()) for name, _ in known])
        self._names = {name.replace(".", "-"): name for name, word in known if word and len(name) >= NAME_MIN}
        self._common = {word[1:]: name for name, word in known if word.startswith("~")}
        self._words: dict[str, str] = {}
        for name, word in known:
            if len(word) >= WORD_MIN and word[0] != "~" and word not in self._words:
                self._words[word] = name
        self._inside = [word for word in sorted(self._words) if len(word) >= INSIDE_MIN]
        self._slips: dict[str, str] = {}
        for word in sorted(self._words):
            if len(word) >= EDIT_MIN:
                for short in _shortened(word):
                    self._slips.setdefault(short, word)
                self._slips.setdefault(word, word)

    def guess(self, name: bytes) -> Guess:
        """The score of a canonical name. Well-known sites and what belongs to them have none."""
        if is_address(name) or b"\\" in name or b"." not in name:
            return NOTHING
        host = name.decode()
        site = self._registrable(name)
        if site in self._sites or not self._sites.isdisjoint(suffixes(name)) or not CARRIERS.isdisjoint(suffixes(name)):
            return NOTHING
        own, labels = _own_part(host, site.decode())
        features: list[str] = []
        like = self._imitated(own, labels, site.decode(), features)
        _shape(host, own, labels, features)
        return Guess(sum([FEATURES[feature][0] for feature in features]), features, like)

    def _imitated(self, own: str, labels: list[str], site: str, features: list[str]) -> str:
        """The well-known name that the strongest of the features points at, noted in `features`; "" if none."""
        whole = self._whole(own.replace(".", "-").split("-"))
        if whole:
            features.append("whole")
            return whole
        tokens = _tokens(labels)
        for token in tokens:
            word = self._lookalike_of(token)
            if word:
                features.append("spelled")
                return self._words[word]
        # The very name under another ending is mostly its owner's, in another country.
        bare = site.split(".")[0] if labels == [site.split(".")[0]] else ""
        for feature, find in (
            ("word", self._words.get),
            ("slip", self._slip),
            ("inside", self._holding),
            ("common", self._common.get),
        ):
            for token in tokens:
                found = find(token) if token != bare or feature == "slip" else None
                if found:
                    features.append(feature)
                    return str(found)
        return ""

    def _whole(self, parts: list[str]) -> str:
        """The well-known site whose whole name is there, as `paypal.com` or `paypal-com`."""
        for start in range(len(parts)):
            for end in range(start + 2, min(start + PARTS_MAX, len(parts)) + 1):
                found = self._names.get("-".join(parts[start:end]))
                if found:
                    return found
        return ""

    def _lookalike_of(self, token: str) -> str:
        """The word that a token spells with look-alike characters, itself excepted."""
        plain = skeleton(token)
        if plain == token:
            return ""
        if plain in self._words:
            return plain
        # A one may be an i as well.
        other = skeleton(token.replace("1", "i"))
        return other if other in self._words else ""

    def _slip(self, token: str) -> str | None:
        """The well-known name of a word one slip (a letter more, less, other, or two exchanged) away."""
        if len(token) < EDIT_MIN - 1 or token in self._words:
            return None
        for short in [token] + _shortened(token):
            word = self._slips.get(short)
            if (
                word
                and abs(len(word) - len(token)) <= 1
                and token[0] == word[0]
                and token + "s" != word
                and word + "s" != token
            ):
                return self._words[word]
        return None

    def _holding(self, token: str) -> str | None:
        for word in self._inside:
            if len(token) > len(word) and word in token:
                return self._words[word]
        return None


def skeleton(token: str) -> str:
    """The token as the eye reads it: digits and pairs for letters, letters of other scripts for Latin ones."""
    if token.startswith("xn--"):
        token = decode(token[4:])
    for look, letter in LETTERS + PAIRS:
        token = token.replace(look, letter)
    return "".join([CONFUSED.get(letter, letter) for letter in token])


def _own_part(host: str, site: str) -> tuple[str, list[str]]:
    """What the owner of the site chose of a host: all labels before the public suffix, and before a hosting service."""
    suffix = site[site.find(".") + 1 :] if "." in site else ""
    for service in suffixes(host.encode()):
        if service.decode() in HOSTING:
            suffix = service.decode()
            break
    own = host[: -len(suffix) - 1] if suffix and host.endswith("." + suffix) else host
    labels = [label for label in own.split(".") if label not in ("www", "")]
    return own, labels


def _tokens(labels: list[str]) -> list[str]:
    """The labels, and their parts between hyphens; xn-- labels whole."""
    found: list[str] = []
    for label in labels:
        parts = [label]
        if "-" in label and not label.startswith("xn--"):
            parts += [part for part in label.split("-") if part] + [label.replace("-", "")]
        found += [part for part in parts if part not in found]
    return found


def _shortened(word: str) -> list[str]:
    return [word[:at] + word[at + 1 :] for at in range(len(word))]


def _shape(host: str, own: str, labels: list[str], features: list[str]) -> None:
    """What else speaks against a name."""
    parts = [part for label in labels for part in label.split("-")]
    lures = len([part for part in parts if part in LURES or any([lure in part for lure in LONG_LURES])])
    for feature, fires in (
        ("lure", lures > 0),
        ("lures", lures > 1),
        ("hosting", len(own) < len(host) and host[len(own) + 1 :] in HOSTING),
        ("ending", host[host.rfind(".") + 1 :] in ENDINGS),
        ("digits", _digit_run(own) >= 3),
    ):
        if fires:
            features.append(feature)


def _digit_run(text: str) -> int:
    longest = run = 0
    for letter in text:
        run = run + 1 if letter in DIGITS else 0
        longest = max(longest, run)
    return longest
