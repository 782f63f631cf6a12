"""Whether the other host can carry what would move; unknown is never taken for room."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from failover.verdicts import ready_records
from failover.verdicts.check import Say
from failover.verdicts.readiness_inputs import BackupSaid, EngineSaid, Inputs, RoomSaid
from failover.verdicts.room import HostRoom, Moves, VmNeed, carries
from tests.failover.pair_scenes import DOWN, scene

GIB = 1 << 30
PAGE = 1_048_576


def host(name, free=64, pages=None, status="up", cluster="c", hosted=True):
    return HostRoom(name, status, cluster, hosted, None if free is None else free * GIB, pages)


def vm(name, on="kvm01", memory=16, engine=False, available=True, pages=None, cluster="c"):
    return VmNeed(name, on, cluster, engine, available, None if memory is None else memory * GIB, pages)


ENGINE = vm("HostedEngine", engine=True)
PAIR = (host("kvm01"), host("kvm02"))


@pytest.mark.parametrize(
    ("hosts", "vms", "moves", "word", "words"),
    [
        (PAIR, [ENGINE], Moves.ENGINE, "go", "kvm02 can carry the 1 VMs that would leave kvm01: 16.0 GiB."),
        (PAIR, [ENGINE, vm("big", memory=500)], Moves.ENGINE, "go", "kvm02 can carry"),
        ((host("kvm01"), host("kvm02", 15)), [ENGINE], Moves.ENGINE, "no_go",
         "HostedEngine needs 16.0 GiB of memory, and kvm02 has no room for it."),
        ((host("kvm01"), host("kvm02", 16)), [ENGINE], Moves.ENGINE, "go", "kvm02 can carry"),
        (PAIR, [ENGINE, vm("ora", memory=49)], Moves.AVAILABLE, "no_go",
         "ora needs 49.0 GiB of memory, and kvm02 has no room for it, beside what else would move (2 VMs)."),
        (PAIR, [ENGINE, vm("ora", memory=48)], Moves.AVAILABLE, "go", "2 VMs that would leave kvm01: 64.0 GiB."),
        (PAIR, [ENGINE, vm("test", memory=49, available=False)], Moves.AVAILABLE, "go", "the 1 VMs"),
        (PAIR, [ENGINE, vm("test", memory=49, available=False)], Moves.ALL, "no_go", "test needs 49.0 GiB"),
        (PAIR, [ENGINE, vm("test", memory=49, available=None)], Moves.AVAILABLE, "unknown",
         "Whether test is highly available is not known."),
        (PAIR, [vm("HostedEngine", on="kvm02", engine=True), vm("ora", on="kvm02")], Moves.ALL, "go",
         "Nothing that has to move runs on kvm01."),
        ((host("kvm01"), host("kvm02", None)), [ENGINE], Moves.ENGINE, "unknown",
         "How much memory kvm02 has free for VMs is not known."),
        (PAIR, [vm("HostedEngine", engine=True, memory=None)], Moves.ENGINE, "unknown",
         "How much memory HostedEngine needs is not known."),
        (PAIR, [vm("ora")], Moves.ENGINE, "unknown", "The engine does not list its own VM"),
        (PAIR, [vm("HostedEngine", on="", engine=True)], Moves.ENGINE, "unknown", "On which host HostedEngine runs"),
        ((host("kvm02"),), [ENGINE], Moves.ENGINE, "unknown", "The engine does not list kvm01"),
        ((host("kvm01"), host("kvm02", status="maintenance")), [ENGINE], Moves.ENGINE, "no_go",
         "and no other host that is up may run it."),
        ((host("kvm01"), host("kvm02", hosted=False)), [ENGINE], Moves.ENGINE, "no_go", "no other host that is up"),
        ((host("kvm01"), host("kvm02", cluster="d")), [ENGINE], Moves.ENGINE, "no_go", "no other host that is up"),
        ((host("kvm01"), host("kvm02", None, status="maintenance"), host("kvm03")), [ENGINE], Moves.ENGINE, "go",
         "kvm03 can carry"),
    ],
)  # fmt: skip
def test_memory(hosts, vms, moves, word, words):
    said = carries(hosts, vms, "kvm01", moves)
    assert (str(said.word), words in said.sentence) == (word, True), said
    assert bool(said.fix) == (word != "go")


@pytest.mark.parametrize(
    ("pages", "word", "words"),
    [
        ({"1048576": 200}, "go", "16.0 GiB and 128.0 GiB in huge pages."),
        ({"1048576": 128, "2048": 7}, "go", "kvm02 can carry the 2 VMs"),
        ({"1048576": 127}, "no_go", "ora needs 128.0 GiB in huge pages of 1048576 KiB, and kvm02 has no room for it"),
        ({"2048": 100_000}, "no_go", "ora needs 128.0 GiB in huge pages of 1048576 KiB"),
        ({"1048576": None}, "unknown", "How many huge pages of 1048576 KiB are free on kvm02 is not known."),
        (None, "unknown", "How many huge pages of 1048576 KiB are free on kvm02 is not known."),
    ],
)
def test_huge_pages_are_counted_apart_from_memory(pages, word, words):
    """A database of 128 GiB in huge pages takes none of the other 20 GiB."""
    hosts = (host("kvm01"), host("kvm02", 20, pages))
    said = carries(hosts, [ENGINE, vm("ora", memory=128, pages=PAGE)], "kvm01", Moves.AVAILABLE)
    assert (str(said.word), words in said.sentence) == (word, True), said


def test_a_part_of_a_page_takes_a_whole_one():
    odd = replace(vm("ora", pages=PAGE), memory=128 * GIB + 1)
    for free, word in ((128, "no_go"), (129, "go")):
        hosts = (host("kvm01"), host("kvm02", 20, {"1048576": free}))
        assert str(carries(hosts, [ENGINE, odd], "kvm01", Moves.AVAILABLE).word) == word


def test_evidence_names_what_is_free():
    said = carries((host("kvm01"), host("kvm02", 20, {"1048576": 3})), [ENGINE], "kvm01", Moves.ENGINE)
    assert said.evidence == ("kvm02: 20.0 GiB free for VMs; huge pages: 3 free of 1048576 KiB",)


@pytest.mark.parametrize("seed", range(40))
def test_go_is_never_said_where_the_sum_does_not_fit_and_always_where_one_host_takes_all(seed):
    rng = random.Random(seed)
    hosts = [host("kvm01"), *(host(f"kvm0{n}", rng.randrange(100)) for n in range(2, 2 + rng.randrange(1, 4)))]
    vms = [ENGINE, *(vm(f"v{n}", memory=rng.randrange(1, 40)) for n in range(rng.randrange(6)))]
    needed = sum(one.memory for one in vms) // GIB
    free = [one.schedulable // GIB for one in hosts[1:]]
    word = carries(hosts, vms, "kvm01", Moves.ALL).word
    if needed > sum(free) or max(free) < 16:
        assert word is Say.NO_GO
    if len(free) == 1:
        assert (word is Say.GO) == (needed <= free[0])


GIVEN = Inputs(
    sight=scene().sight(), engine=EngineSaid((), (), ()), paths={}, backup=BackupSaid("", 0, 0), plan="she_failover",
    room=RoomSaid(PAIR, (ENGINE, vm("ora", memory=60))),
)  # fmt: skip


def test_each_plan_asks_for_what_it_moves():
    assert ready_records.room(GIVEN).word is Say.GO
    assert ready_records.room(replace(GIVEN, plan="host_power_loss")).word is Say.NO_GO
    assert ready_records.room(replace(GIVEN, plan="she_agent_stop")).sentence == "This plan moves no VM."
    assert ready_records.room(replace(GIVEN, plan="a_composed_plan")).word is Say.GO
    deaf = ready_records.room(replace(GIVEN, room=RoomSaid(None, None, "The engine does not answer.")))
    assert (deaf.word, "The engine does not answer." in deaf.sentence) == (Say.UNKNOWN, True)
    nowhere = scene(first={"engine": DOWN, "state": "EngineDown"}).sight()
    assert ready_records.room(replace(GIVEN, sight=nowhere)).word is Say.UNKNOWN
    assert ready_records.room(replace(GIVEN, sight=None)).word is Say.UNKNOWN
