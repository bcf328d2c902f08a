"""The known word that a mistyped one was meant to be."""


def nearest(word: str, known: list[str]) -> str | None:
    """The known word that takes the fewest changes, at most a third of the word; None: nothing is near."""
    folded = word.lower()
    best = None
    fewest = len(word) // 3 + 1
    for candidate in sorted(known):
        changes = distance(folded, candidate.lower())
        if changes < fewest:
            best = candidate
            fewest = changes
    return best


def distance(left: str, right: str) -> int:
    """How many characters must be put in, left out, replaced or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i in range(1, len(left) + 1):
        above, row = row, [i]
        for j in range(1, len(right) + 1):
            same = left[i - 1] == right[j - 1]
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (0 if same else 1))
            if i > 1 and j > 1 and left[i - 1] == right[j - 2] and left[i - 2] == right[j - 1]:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before = above
    return row[-1]
