"""How long a time is, in words."""

from __future__ import annotations

import pytest

from portal.kernel.words import span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0.9, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (47 * 3600 + 840, "47 h 14 min"),
        (50 * 3600, "2 days"),
    ],
)
def test_a_span_is_said_in_its_largest_units(seconds, words):
    assert span(seconds) == words
