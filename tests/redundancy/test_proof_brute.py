"""Hundreds of generated worlds with planted faults: no single point of failure is missed and none is invented. The
check takes every element away and walks the graph; it shares no code with the proof."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.redundancy.evidence import Layer
from inventory.redundancy.judge import Word
from inventory.redundancy.proof import prove
from inventory.redundancy.whatif import what_if
from tests.redundancy.planted_world import FAULTS, sound
from tests.redundancy.random_world import world
from tests.redundancy.san_world import World

SEEDS = st.integers(0, 2**32).map(Random)
CALM = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


def agrees(made: World, layer: Layer = Layer.LIVE) -> None:
    proof = prove(made.estate())
    for (host, lun), (pairs, points, left) in made.checked(layer).items():
        live = proof.cells[host, f"3{lun}"].layers[layer]
        assert (live.pairs, set(live.points), live.residual) == (pairs, points, left), (host, lun)
        assert live.word is not Word.UNKNOWN
        assert (live.word is Word.NO_PATH) == (pairs == 0)
        assert (live.word is Word.FAIL) == bool(points)
    assert len(proof.cells) == len({(host, lun) for host, lun, _ in made.given})


def survives(made: World, random: Random, rounds: int) -> None:
    proof = prove(made.estate())
    every = sorted(made.elements())
    for _ in range(rounds):
        gone = random.sample(every, random.choice((1, 2, 2, 3)))
        left = made.alive(made.dead(*gone))
        answer = what_if(proof, gone)
        assert {(host, wwid[1:]): one.after for (host, wwid), one in answer.remains.items()} == left, gone
        assert {(one.cell.host, one.cell.wwid[1:]) for one in answer.lost} == {
            key for key, count in made.alive(set()).items() if count and not left[key]
        }


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault(fault):
    for seed in range(6):
        random = Random(seed)
        made = sound(random)
        fault(made, random)
        for layer in (Layer.LIVE, Layer.LOGGED_IN, Layer.DESIGNED):
            agrees(made, layer)
        survives(made, random, 2)


def test_sound_worlds_are_sound():
    for seed in range(30):
        made = sound(Random(seed))
        agrees(made)
        words = {cell.live.word for cell in prove(made.estate()).cells.values()}
        assert words == {Word.GREEN}, seed


def test_every_fault_is_seen_somewhere():
    """A fault that cuts nothing anywhere would show nothing."""
    for fault in FAULTS:
        words = set()
        for seed in range(40):
            random = Random(seed)
            made = sound(random)
            fault(made, random)
            words |= {cell.live.word for cell in prove(made.estate()).cells.values()}
        if fault.__name__ not in ("single_link", "one_trunk"):  # the other fabric carries on
            assert words & {Word.FAIL, Word.PASS, Word.NO_PATH}, fault.__name__


@settings(max_examples=100, **CALM)
@given(SEEDS)
def test_single_points(random):
    agrees(world(random))


@settings(max_examples=40, **CALM)
@given(SEEDS)
def test_single_points_of_the_other_layers(random):
    made = world(random)
    agrees(made, Layer.LOGGED_IN)
    agrees(made, Layer.DESIGNED)


@settings(max_examples=60, **CALM)
@given(SEEDS)
def test_what_if_takes_elements_away_together(random):
    survives(world(random), random, 8)


@pytest.mark.matrix
@pytest.mark.parametrize("seed", range(40))
def test_many_more(seed):
    for n in range(100):
        random = Random(seed * 1000 + n)
        made = world(random)
        for layer in (Layer.LIVE, Layer.LOGGED_IN, Layer.DESIGNED):
            agrees(made, layer)
        survives(made, random, 4)
