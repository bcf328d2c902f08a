"""Places that devices share: nobody takes all of them, whatever they ask."""


class Shares:
    """So many places in all. Who asks for one may hold as many as half of what the others leave."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken = 0
        self._of: dict[object, int] = {}

    def take(self, who: object) -> bool:
        """Whether there was a place."""
        mine = self._of.get(who, 0)
        # Twice mine against the places less what the others have.
        if mine + self._taken >= self._places:
            return False
        self._of[who] = mine + 1
        self._taken += 1
        return True

    def give(self, who: object) -> None:
        """One place less is taken."""
        self._taken -= 1
        left = self._of[who] - 1
        if left:
            self._of[who] = left
        else:
            del self._of[who]
