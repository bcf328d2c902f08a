"""What makes a password too weak for the page that shows a household's history."""

LENGTH_MIN = 10
# Enough for any sentence; argon2id would take more, a form field should not.
BYTES_MAX = 256
DISTINCT_MIN = 5

# What people type first on a router, without digits and signs: a guesser's first thousand tries are made of these.
COMMON = (
    "abc abcd abcde abcdef access admin administrator asdf asdfgh changeme computer default dragon family familie "
    "football fussball geheim hallo hello iloveyou internet kennwort letmein login master monkey openwrt parent "
    "parents pass passw password passwort princess privacy privacyagent qwert qwerty qwertz router schatz secret "
    "sommer summer sunshine superman test testtest welcome willkommen winter wlan wifi zuhause"
)
_COMMON = frozenset(COMMON.split())
_LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"}


def weakness(password: str) -> str:
    """ "" for a good one, else "too_short", "too_long", "too_simple" or "too_common"."""
    if len(password) < LENGTH_MIN:
        return "too_short"
    if len(password.encode()) > BYTES_MAX:
        return "too_long"
    if len(set(password)) < DISTINCT_MIN or _is_row(password):
        return "too_simple"
    plain = password.lower()
    spoken = "".join(_LEET.get(letter, letter) for letter in plain)
    if _core(plain) in _COMMON or _core(spoken) in _COMMON:
        return "too_common"
    return ""


def _core(text: str) -> str:
    """Its letters alone; a word said twice counts once."""
    letters = "".join(letter for letter in text if letter.isalpha())
    half = len(letters) // 2
    return letters[:half] if letters and letters[:half] == letters[half:] else letters


def _is_row(text: str) -> bool:
    """Neighbours in the code table all along, like 1234567890 or zyxwvutsrq."""
    steps = {ord(after) - ord(before) for before, after in zip(text, text[1:], strict=False)}
    return steps <= {1, -9} or steps <= {-1, 9}  # after 9 comes 0
