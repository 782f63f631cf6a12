"""How many keystrokes lie between two WWPNs."""

from __future__ import annotations


def distance(one: str, other: str, most: int = 2) -> int:
    """Edit distance with swapped neighbours as one keystroke; most + 1 when it is more than `most`."""
    above: list[int] = []  # the row before the last one
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1  # rows never shrink again
        above, last = last, row
    return min(last[-1], most + 1)
