"""What SQLite's own check passes over, and a run that the portal itself did not let begin."""

from __future__ import annotations

import pytest

from backups.catalog import dumps
from backups.catalog.causes import classify
from backups.catalog.output import read


def head(page: int = 4096, pages: int = 3, told: bool = True) -> bytes:
    made = bytearray(200)
    made[:16] = b"SQLite format 3\0"
    made[16:18] = (1 if page == 65536 else page).to_bytes(2, "big")
    made[24:28] = b"\0\0\0\7"
    made[28:32] = pages.to_bytes(4, "big")
    made[92:96] = b"\0\0\0\7" if told else b"\0\0\0\6"
    made[100] = 0x05
    return bytes(made)


@pytest.mark.parametrize(
    ("first", "size", "said"),
    [
        (head()[:50], 50, "is truncated: it has 50 bytes."),
        (head(), 3 * 4096, ""),
        (head(), 2 * 4096, "its head tells of 3 pages of 4096"),
        (head(65536), 3 * 65536, ""),
        (head(65536), 65536, "its head tells of 3 pages of 1"),
        (head(told=False), 2 * 4096, ""),
        (head()[:100] + b"\x0d\0\0\0\0" + head()[105:], 3 * 4096, "holds no table"),
    ],
)
def test_a_grafana_file_by_its_first_page(first, size, said):
    found = dumps._page_problem(first, size, "Grafana's file")
    assert said in found if said else found == ""


def test_what_was_not_begun_says_why():
    facts = read(b"", b"holdfast: the temporary folder /tmp/x cannot be made\n", 90)
    cause = classify(facts, None)
    assert (cause.kind, cause.good) == ("not_started", False)
    assert cause.sentence == "engine-backup was not started: the temporary folder /tmp/x cannot be made."
