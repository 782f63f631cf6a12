"""What was not read never becomes a claim: whatever is hidden from the proof, what it still says for certain is
true."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings

from inventory.redundancy.estate import Estate, Missing
from inventory.redundancy.evidence import Layer
from inventory.redundancy.judge import Word
from inventory.redundancy.proof import prove
from portal.kernel.san import ArraySeen, SwitchSeen
from tests.redundancy.random_world import world
from tests.redundancy.test_proof_brute import CALM, SEEDS

SWITCH = {"logins": (), "zoning": None, "ports": (), "members": ()}
ARRAY = {"links": (), "mapped": (), "initiators": (), "ports": (), "luns": (), "hosts": {}, "pairs": ()}
HOST = {"paths": (), "hbas": ()}


def hidden(estate: Estate, random: Random) -> Estate:
    """Some parts of it dark, and some things gone altogether."""
    missing: list[Missing] = []
    switches = [dark for one in estate.switches if (dark := _switch(one, random, missing))]
    arrays = [dark for one in estate.arrays if (dark := _array(one, random, missing))]
    hosts = []
    for host in estate.hosts:
        parts = [part for part in HOST if random.random() < 0.1]
        hosts.append(replace(host, **{p: HOST[p] for p in parts}, unread=dict.fromkeys(parts, "no answer.")))
    return replace(estate, switches=tuple(switches), arrays=tuple(arrays), hosts=tuple(hosts), missing=tuple(missing))


def _switch(one: SwitchSeen, random: Random, missing: list[Missing]) -> SwitchSeen | None:
    if random.random() < 0.15:
        missing.append(Missing("switch", one.name, "no route to host."))
        return None
    if random.random() < 0.1:
        return SwitchSeen(one.wwn, one.name, "rest", unread={"all": "503."})
    parts = [part for part in SWITCH if random.random() < 0.1]
    why = dict.fromkeys(parts, "503.") | ({"defined": "403."} if random.random() < 0.1 else {})
    dark = replace(one, **{part: SWITCH[part] for part in parts}, unread=why)
    if random.random() < 0.1:
        ports = tuple(replace(port, trunk=None) for port in dark.ports)
        dark = replace(dark, ports=ports, unread={**why, "trunks": "503."})
    return dark


def _array(one: ArraySeen, random: Random, missing: list[Missing]) -> ArraySeen | None:
    if random.random() < 0.1:
        missing.append(Missing("array", one.name, "no route to host."))
        return None
    if random.random() < 0.1:
        return ArraySeen(one.serial, one.name, unread={"all": "code 1077949001."})
    parts = [part for part in ARRAY if random.random() < 0.1]
    told = replace(one, **{part: ARRAY[part] for part in parts}, unread=dict.fromkeys(parts, "code 1077949001."))
    return replace(told, links=(), mapped=()) if "hosts" in parts else told  # they are asked for host by host


def holds(random: Random) -> list[tuple[Word, Word]]:
    made = world(random)
    made.cabled = random.random() < 0.5
    estate = made.estate()
    truth, told = prove(estate), prove(hidden(estate, random))
    said = []
    for key, cell in told.cells.items():
        if key not in truth.cells:
            continue
        for layer in Layer:
            real, word = truth.cells[key].layers[layer].word, cell.layers[layer].word
            said.append((real, word))
            allowed = (Word.FAIL, Word.NO_PATH) if word is Word.FAIL else (word,)
            assert word is Word.UNKNOWN or real in allowed, (key, layer, cell.layers[layer])
    return said


@settings(max_examples=80, **CALM)
@given(SEEDS)
def test_what_is_said_in_the_dark_is_true(random):
    holds(random)


def test_the_dark_leaves_something_to_say():
    said = [pair for seed in range(100) for pair in holds(Random(seed))]
    for word in (Word.FAIL, Word.NO_PATH, Word.PASS, Word.UNKNOWN):
        assert sum(1 for _, told in said if told is word) >= 3, word


@pytest.mark.matrix
@pytest.mark.parametrize("seed", range(20))
def test_what_is_said_in_the_dark_is_true_at_length(seed):
    for n in range(150):
        holds(Random(seed * 1000 + n))
