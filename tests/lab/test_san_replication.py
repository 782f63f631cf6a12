"""Replication as both arrays tell it: healthy, interrupted, split, resynchronising, asynchronous, switched."""

from __future__ import annotations

import pytest

from lab import faults
from lab.san import truth
from lab.world import World
from tests.fixtures_lab import pass_time, quiet_estate
from tests.fixtures_san import ask


@pytest.fixture
def world() -> World:
    return quiet_estate()


def both(world: World, *fields: str) -> list[tuple[str, ...]]:
    """Fields of the first pair at PROD and at DR; the consistency group must say the same where it has them."""
    rows = [ask(world, array, "REPLICATIONPAIR", range="[0-100]")[0] for array in ("PROD", "DR")]
    for array, row in zip(("PROD", "DR"), rows, strict=True):
        (group,) = ask(world, array, "CONSISTENTGROUP")
        shared = ("RUNNINGSTATUS", "SECRESACCESS", "ISPRIMARY", "ENDTIME", "STARTTIME", "REPLICATIONMODEL")
        assert {name: row[name] for name in shared} == {name: group[name] for name in shared}
    return [tuple(row[name] for name in fields) for row in rows]


def age(world: World) -> int:
    """Seconds of the array's clock since the last consistent point."""
    end = int(ask(world, "DR", "REPLICATIONPAIR")[0]["ENDTIME"])
    return int(ask(world, "DR", "system_utc_time")["CMO_SYS_UTC_TIME"]) - end


def test_healthy_pairs_name_each_other(world: World):
    there = {row["LOCALRESID"]: row for row in ask(world, "DR", "REPLICATIONPAIR")}
    for row in ask(world, "PROD", "REPLICATIONPAIR"):
        assert there[row["REMOTERESID"]]["REMOTERESID"] == row["LOCALRESID"]
        assert there[row["REMOTERESID"]]["ID"] == row["ID"]
    names = ("RUNNINGSTATUS", "SECRESDATASTATUS", "ISPRIMARY", "ISDATASYNC", "SECRESACCESS")
    assert both(world, *names) == [("1", "1", "true", "true", "2"), ("1", "1", "false", "true", "2")]
    wwns = {array: {row["WWN"] for row in ask(world, array, "lun")} for array in ("PROD", "DR")}
    assert not wwns["PROD"] & wwns["DR"], "a secondary has a WWN of its own"


def test_the_end_moves_with_time(world: World):
    first = both(world, "ENDTIME")
    pass_time(world, 120)
    assert [int(b[0]) - int(a[0]) for a, b in zip(first, both(world, "ENDTIME"), strict=True)] == [120, 120]
    assert age(world) == 0


def test_a_lost_link_freezes_the_end_and_a_resynchronisation_follows(world: World):
    faults.inject(world, "replication-link-lost", "", {})
    assert both(world, "RUNNINGSTATUS", "SECRESDATASTATUS", "ISDATASYNC") == [("34", "2", "false")] * 2
    assert [ask(world, a, "remote_device")[0]["RUNNINGSTATUS"] for a in ("PROD", "DR")] == ["11", "11"]
    assert [row["level"] for row in ask(world, "PROD", "alarm/currentalarm")] == ["5"]
    pass_time(world, 500)
    assert age(world) == 500
    faults.clear(world)
    assert both(world, "RUNNINGSTATUS", "SECRESDATASTATUS") == [("23", "3")] * 2, "unusable while it catches up"
    assert age(world) == 500
    pass_time(world, 99)
    assert both(world, "RUNNINGSTATUS")[0] == ("23",)
    pass_time(world, 2)
    assert both(world, "RUNNINGSTATUS", "SECRESDATASTATUS") == [("1", "1")] * 2
    assert age(world) == 0


def test_a_short_outage_takes_half_a_minute(world: World):
    faults.inject(world, "replication-link-lost", "", {})
    pass_time(world, 10)
    faults.clear(world)
    pass_time(world, 29)
    assert both(world, "RUNNINGSTATUS")[0] == ("23",)
    pass_time(world, 2)
    assert both(world, "RUNNINGSTATUS")[0] == ("1",)


def test_a_split_group_and_access_to_the_secondaries(world: World):
    faults.inject(world, "pair-split", "", {})
    assert both(world, "RUNNINGSTATUS", "SECRESACCESS") == [("26", "2")] * 2
    assert [ask(world, a, "remote_device")[0]["RUNNINGSTATUS"] for a in ("PROD", "DR")] == ["10", "10"]
    pass_time(world, 100)
    faults.inject(world, "secondary-access", "", {"access": "3"})
    assert both(world, "RUNNINGSTATUS", "SECRESACCESS") == [("26", "3")] * 2
    assert age(world) == 100


def test_access_alone_means_a_split(world: World):
    faults.inject(world, "secondary-access", "", {})
    assert both(world, "RUNNINGSTATUS", "SECRESACCESS") == [("26", "3")] * 2


def test_the_truth_knows_the_age_whatever_the_clocks_say(world: World):
    assert truth.truth(world)["replication"]["age"] == 0
    faults.inject(world, "array-clock-skew", "DORADO-DR", {"seconds": "300"})
    faults.inject(world, "pair-split", "", {})
    pass_time(world, 100)
    told = truth.truth(world)["replication"]
    assert (told["running"], told["age"]) == ("26", 100)
    assert told["consistent_at"] == world.clock.wall_at(world.at - 100)
    end = int(ask(world, "DR", "REPLICATIONPAIR")[0]["ENDTIME"])
    assert end - 300 == int(told["consistent_at"])


def test_switched_roles(world: World):
    faults.inject(world, "replication-switched", "", {})
    assert both(world, "ISPRIMARY") == [("false",), ("true",)]


def test_asynchronous_cycles(world: World):
    faults.inject(world, "replication-async", "", {"interval": "300"})
    assert both(world, "REPLICATIONMODEL", "SYNCHRONIZETYPE", "TIMINGVAL") == [("2", "2", "300")] * 2
    ages, states = [], set()
    for _ in range(60):
        pass_time(world, 10)
        (running, start, end), _ = both(world, "RUNNINGSTATUS", "STARTTIME", "ENDTIME")
        assert int(end) - int(start) == 20
        states.add(running)
        ages.append(age(world))
    assert states == {"1", "23"}
    assert 280 <= max(ages) <= 300
    assert min(ages) < 20


def test_an_asynchronous_group_keeps_its_last_cycle_when_the_link_is_lost(world: World):
    faults.inject(world, "replication-async", "", {"interval": "300"})
    pass_time(world, 250)
    before = age(world)
    faults.inject(world, "replication-link-lost", "", {})
    assert before > 0
    pass_time(world, 100)
    assert both(world, "RUNNINGSTATUS")[0] == ("34",)
    assert age(world) - before in range(100, 122)


def test_a_wrong_clock_moves_one_array_only(world: World):
    faults.inject(world, "array-clock-skew", "DORADO-DR", {"seconds": "300"})
    prod, dr = (int(end) for (end,) in both(world, "ENDTIME"))
    assert dr - prod == 300
    assert age(world) == 0
