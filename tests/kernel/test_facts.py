"""Facts as JSON: what goes in comes out, and what another version wrote is refused, never half read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.probes import PROBES
from portal.kernel.facts import dump, load
from portal.kernel.outcome import Outcome


@dataclass(frozen=True)
class Chosen:
    ports: frozenset[str] | None


@dataclass(frozen=True)
class Inner:
    name: str
    size: int | None


@dataclass(frozen=True)
class Outer:
    flag: bool
    ratio: float
    outcome: Outcome
    one: Inner
    maybe: Inner | None
    many: tuple[Inner, ...]
    pair: tuple[str, Inner]
    listed: list[Inner]
    named: Mapping[str, Inner]
    numbered: dict[int, str]


INNER = st.builds(Inner, st.text(), st.none() | st.integers())
OUTER = st.builds(
    Outer,
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(Outcome),
    INNER,
    st.none() | INNER,
    st.lists(INNER, max_size=3).map(tuple),
    st.tuples(st.text(), INNER),
    st.lists(INNER, max_size=3),
    st.dictionaries(st.text(), INNER, max_size=3),
    st.dictionaries(st.integers(), st.text(), max_size=3),
)


@given(OUTER)
def test_facts_come_back_as_they_were(facts):
    stored = json.loads(json.dumps(dump(facts)))
    back = load(Outer, stored)
    assert back == facts
    for one in fields(Outer):
        assert type(getattr(back, one.name)) is type(getattr(facts, one.name)), one.name


def test_a_set_comes_back_as_one_and_is_written_in_one_order():
    for ports in (frozenset({"b", "a", "c"}), frozenset(), None):
        assert load(Chosen, json.loads(json.dumps(dump(Chosen(ports))))) == Chosen(ports)
    assert dump(Chosen(frozenset({"b", "a", "c"}))) == {"ports": ["a", "b", "c"]}
    with pytest.raises(TypeError):
        load(Chosen, {"ports": [1]})


def test_sets_become_lists_and_a_class_is_no_value():
    assert sorted(dump({"a": {1, 2}})["a"]) == [1, 2]
    assert dump(frozenset({3})) == [3]
    assert dump(Inner) is Inner


EXAMPLE = dump(
    Outer(
        True, 0.5, Outcome.OK, Inner("a", 1), None, (Inner("b", 2),), ("c", Inner("d", 3)), [], {"e": Inner("f", 4)}, {}
    )
)


@pytest.mark.parametrize("missing", list(EXAMPLE))
def test_facts_of_a_version_that_lacked_a_field_are_refused(missing):
    with pytest.raises(KeyError, match=missing):
        load(Outer, {name: value for name, value in EXAMPLE.items() if name != missing})


def test_a_missing_field_deep_inside_is_refused_too():
    with pytest.raises(KeyError, match="size"):
        load(Outer, EXAMPLE | {"many": [{"name": "b"}]})


@pytest.mark.parametrize(
    ("kind", "value"),
    [(str, 5), (str, None), (int, "5"), (int, True), (int, 1.5), (float, "1"), (float, False), (bool, 1), (bool, "")],
)
def test_a_plain_value_of_another_type_is_refused(kind, value):
    with pytest.raises(TypeError, match=f"is no {kind.__name__}"):
        load(kind, value)


def test_what_has_no_type_of_its_own_is_taken_as_it_is():
    assert load(dict[str, Any], {"a": [1, "b"]}) == {"a": [1, "b"]}


def test_a_whole_number_is_a_float():
    assert load(float, 3) == 3.0


@pytest.mark.parametrize("broken", [{"one": None}, {"one": 3}, {"many": 3}, {"many": None}, {"maybe": "text"}])
def test_facts_of_another_shape_are_refused(broken):
    with pytest.raises(TypeError):
        load(Outer, EXAMPLE | broken)


def test_a_pair_of_another_length_and_a_word_that_is_no_outcome_are_refused():
    for broken in ({"pair": ["c"]}, {"outcome": "fine"}):
        with pytest.raises(TypeError, match=r"'fine' is no Outcome|1 values where 2 are expected"):
            load(Outer, EXAMPLE | broken)


def test_a_field_that_was_dropped_since_is_passed_over():
    assert load(Inner, {"name": "a", "size": None, "gone": 1}) == Inner("a", None)


def test_every_probe_says_what_its_facts_are():
    """A probe whose parse is not annotated could not be read back by anybody."""
    for probe in PROBES.values():
        assert probe.parse.__annotations__["return"], probe.name


@dataclass(frozen=True)
class Timed:
    at: datetime | None


def test_a_moment_is_read_back_and_what_is_none_is_refused():
    timed = Timed(datetime(2026, 11, 22, 19, 14, 3, 5, UTC))
    assert load(Timed, json.loads(json.dumps(dump(timed)))) == timed
    assert load(Timed, {"at": "2026-11-22T19:14:03.000005Z"}) == timed, "as the evidence spells it"
    assert load(Timed, {"at": None}) == Timed(None)
    for bad in ("yesterday", 5):
        with pytest.raises(TypeError):
            load(Timed, {"at": bad})
