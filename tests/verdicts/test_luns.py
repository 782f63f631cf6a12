"""LUN redundancy: what all working paths share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.probes.multipath import MultipathFacts
from inventory.probes.reading.multipath import HbaFact, MapFact, PathFact
from inventory.verdicts.answer import Word
from inventory.verdicts.luns import LunView, Part, answer, part
from portal.kernel.outcome import Outcome
from portal.kernel.probe import DeclaredPath

A, B = "2100f4e9d4565a10", "2100f4e9d4565a11"
T = ("210000e0fc000001", "210000e0fc000002", "210000e0fc000003", "210000e0fc000004")
WIRED = ((A, T[0]), (A, T[1]), (B, T[2]), (B, T[3]))
LUNS = ("36a353241000000000000000000000001", "36a353241000000000000000000000002")


def path(hba: str, target: str, checker: str = "ready") -> PathFact:
    return PathFact("sda", "8:0", "active", checker, "running", hba_wwpn=hba, target_wwpn=target)


def view(
    host: str,
    wired: tuple[tuple[str, str], ...] = WIRED,
    *,
    declared: tuple[tuple[str, str], ...] | None = WIRED,
    seen: tuple[str, ...] = LUNS,
    fabrics: tuple[str, str] = ("100050eb1a000001", "100050eb1a000002"),
    source: str = "json",
) -> LunView:
    maps = tuple(MapFact(wwid, wwid, tuple(path(*pair) for pair in wired)) for wwid in seen)
    hbas = tuple(HbaFact(f"host{n}", w, "Online", "", f) for n, (w, f) in enumerate(zip((A, B), fabrics, strict=True)))
    pairs = None if declared is None else dict.fromkeys(LUNS, tuple(DeclaredPath(*pair) for pair in declared))
    return LunView(host, MultipathFacts(source, maps, (), hbas, (), ()), pairs)


def whole(*views: LunView) -> Part:
    """All parts added up, as services/pages_redundancy.py does it in SQL."""
    parts = [part(view) for view in views]
    return Part(
        sum(one.hosts for one in parts),
        sum(one.working for one in parts),
        sum(one.declared for one in parts),
        sum(one.shared for one in parts),
        next((one.point for one in parts if one.point), None),
        next((one.unknown for one in parts if one.unknown), ""),
        any(one.blind for one in parts),
    )


def word(*views: LunView) -> tuple[Word, Outcome, str]:
    found = answer(whole(*views))
    assert found.sentence.endswith(".")
    return found.word, found.outcome, found.sentence


def test_every_lun_survives():
    found = whole(view("kvm01"), view("kvm02"))
    assert found == Part(2, 16, 16, 0, None, "", False)
    assert word(view("kvm01"), view("kvm02"))[:2] == (Word.YES, Outcome.OK)
    assert answer(found).sentence.startswith("2 hosts see 16 of 16 declared paths.")


@pytest.mark.parametrize(
    ("left", "element"),
    [
        (((A, T[0]), (A, T[1])), f"HBA {A}"),
        (((A, T[0]), (B, T[0])), f"array port {T[0]}"),
        (((A, T[0]),), f"HBA {A}"),
    ],
)
def test_a_shared_element_is_no(left, element):
    declared = (*WIRED, (B, T[0]))
    found = word(view("kvm01", left, declared=declared), view("kvm02"))
    assert found[:2] == (Word.NO, Outcome.FAIL)
    assert element in found[2]
    assert "and 1 more" in found[2]


def test_one_fabric_under_two_hbas_is_no():
    found = word(view("kvm01", fabrics=("100050eb1a000001", "100050eb1a000001")))
    assert found[0] is Word.NO
    assert "fabric 100050eb1a000001" in found[2]


def test_a_missing_path_with_two_ways_left_is_a_warning():
    found = word(view("kvm01", WIRED[:3]), view("kvm02"))
    assert found[:2] == (Word.YES, Outcome.WARN)
    assert found[2].startswith("2 hosts see 14 of 16 declared paths.")


def test_a_lun_without_any_working_path_is_no():
    found = word(view("kvm01"), view("kvm02", seen=LUNS[:1]))
    assert found[0] is Word.NO
    assert f"LUN {LUNS[1]} on kvm02 has no declared path that works." in found[2]
    assert word(view("kvm01", tuple((hba, t, "faulty") for hba, t in WIRED)))[0] is Word.NO  # type: ignore[misc]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (view("kvm02", source="kernel"), "not known now"),
        (view("kvm02", declared=None), "No path is declared for kvm02"),
        (view("kvm02", seen=(*LUNS, "36x")), "not declared (36x)"),
    ],
)
def test_one_host_that_is_not_known_is_enough(other, words):
    found = word(view("kvm01"), other)
    assert found[:2] == (Word.NOT_KNOWN, Outcome.UNKNOWN)
    assert words in found[2]
    assert word(view("kvm01", ((A, T[0]),)), other)[0] is Word.NO


def test_nothing_is_watched():
    assert word()[:2] == (Word.NOT_KNOWN, Outcome.UNKNOWN)


def test_paths_without_wwpns_are_not_known():
    bare = view("kvm01", (("", ""),), declared=(("", ""),))
    assert word(bare)[0] is Word.NOT_KNOWN
    assert "without WWPNs" in word(bare)[2]


@pytest.mark.parametrize("fabrics", [("", ""), ("100050eb1a000001", "")])
def test_two_ways_over_fabrics_that_are_not_known_are_not_known(fabrics):
    found = word(view("kvm01", fabrics=fabrics))
    assert found[:2] == (Word.NOT_KNOWN, Outcome.UNKNOWN)
    assert "which fabric a port is on is not known for every port." in found[2]


def test_a_port_that_carries_nothing_needs_no_fabric():
    spare = HbaFact("host9", "2100f4e9d4565a99", "Linkdown", "", "")
    one = view("kvm01")
    assert word(replace(one, facts=replace(one.facts, hbas=(*one.facts.hbas, spare))))[:2] == (Word.YES, Outcome.OK)


def test_a_third_port_without_a_fabric_leaves_two_known_ways():
    third = ("2100f4e9d4565a12", T[0])
    found = word(view("kvm01", (*WIRED, third), declared=(*WIRED, third)))
    assert found[:2] == (Word.YES, Outcome.OK)
