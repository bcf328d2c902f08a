"""The words by which the buttons of refusal pages are known: who comes with one was shown that page.

They are kept in memory only, so a restart makes buttons useless, and the page is to be opened again.
"""

import os

WORDS_MAX = 200  # some 300 bytes each; pages that nobody asks from push each other out
_WORD_BYTES = 16


class UnblockTokens:
    def __init__(self) -> None:
        self._words: dict[str, tuple[int, str]] = {}

    def token(self, device_id: int, target: str) -> str:
        """A word for a page about this target, shown to this device."""
        for word, kept in self._words.items():
            if kept == (device_id, target):
                return word
        while len(self._words) >= WORDS_MAX:
            del self._words[next(iter(self._words))]
        word = os.urandom(_WORD_BYTES).hex()
        self._words[word] = (device_id, target)
        return word

    def use(self, word: str, device_id: int) -> str | None:
        """The target, once; None when the word is another device's, used up or forgotten."""
        if self._words.get(word, (0, ""))[0] != device_id:
            return None
        return self._words.pop(word)[1]

    def retain(self, devices: set[int]) -> None:
        """Forget what other devices were shown."""
        self._words = {word: kept for word, kept in self._words.items() if kept[0] in devices}
