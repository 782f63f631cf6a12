"""Planned drills are proposed ahead, begun by nobody but people, and named when they did not happen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from failover.models import Blackout, Drill, Missed, Schedule
from failover.services import approvals, schedules
from inventory.models import Engine, Host, Site
from portal.evidence.models import Record
from portal.runs.models import Run
from portal.runs.services import Refused
from tests.ui import drill_world

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 3, 1, 12, 0, tzinfo=UTC)  # ahead of the clock, so that no window has ended


@pytest.fixture
def engine():
    drill_world.people()
    site = Site.objects.create(name="PROD")
    made = Engine.objects.create(site=site, name="olvm-engine", url="https://127.0.0.1:1/ovirt-engine/api")
    for number in (1, 2):
        Host.objects.create(engine=made, uuid=str(number), name=f"kvm0{number}", address="127.0.0.1", he_host_id=number)
    return made


def planned(engine, **fields) -> Schedule:
    host = Host.objects.filter(engine=engine).first()
    values = {
        "plan": "she_failover", "cron": "0 22 5 * *", "zone": "Africa/Nairobi", "decided_to": NOW,
        "decided_by": "operator1", "parameters": {"on": host.pk}, "objectives": drill_world.OBJECTIVES,
        "notify": ["Anna"], "change": "CHG1", "minutes": 180,
    }  # fmt: skip
    return Schedule.objects.create(engine=engine, **{**values, **fields})


def test_a_drill_is_proposed_once_in_the_name_of_who_planned_it_and_begins_by_nobody(engine):
    row = planned(engine)
    for _ in range(3):
        assert schedules.tick(NOW) == []
    drill = Drill.objects.select_related("run").get()
    assert drill.window_begins == datetime(2030, 3, 5, 19, 0, tzinfo=UTC)  # 22:00 in Nairobi
    assert drill.window_ends - drill.window_begins == timedelta(minutes=180)
    assert (drill.schedule, drill.requested_by, drill.run.status) == (row, "operator1", "awaiting_approval")
    assert drill.people == [{"name": "Anna", "role": "involved", "present": None}]
    assert Record.objects.get(kind="drill.proposed").body["people"] == ["Anna"]
    with pytest.raises(Refused, match="another person"):
        approvals.approve(drill.pk, "operator1", drill_world.shown_hash(drill))
    approvals.approve(drill.pk, "approver1", drill_world.shown_hash(drill))
    schedules.tick(drill.window_begins + timedelta(minutes=1))
    assert Run.objects.get().status == "awaiting_approval"


def test_nothing_is_proposed_before_its_lead_time_or_while_switched_off(engine):
    planned(engine, cron="0 22 20 * *")
    planned(engine, enabled=False)
    planned(engine, cron="")
    schedules.tick(NOW)
    assert not Drill.objects.exists()


def test_a_blackout_puts_a_planned_drill_off_to_its_end(engine):
    ends = datetime(2030, 3, 6, 4, 0, tzinfo=UTC)
    Blackout.objects.create(title="Month end", begins=datetime(2030, 3, 5, 12, 0, tzinfo=UTC), ends=ends)
    planned(engine)
    schedules.tick(NOW)
    assert Drill.objects.get().window_begins == ends


@pytest.mark.parametrize(("approved", "words"), [(False, "Nobody approved it"), (True, "nobody began it")])
def test_a_drill_that_nobody_let_happen_is_named_once(engine, approved, words):
    row = planned(engine)
    schedules.tick(NOW)
    drill = Drill.objects.get()
    if approved:
        approvals.approve(drill.pk, "approver1", drill_world.shown_hash(drill))
    for _ in range(2):
        schedules.tick(drill.window_ends + timedelta(minutes=1))
    missed = row.missed.get(due_at=drill.window_begins)
    assert words in missed.sentence
    assert Record.objects.filter(kind="drill.missed").count() == 1


def test_starts_while_nobody_looked_are_named(engine):
    row = planned(engine, cron="0 22 * * *", decided_to=NOW - timedelta(days=3))
    schedules.tick(NOW)
    assert Missed.objects.filter(due_at__lt=NOW, sentence__contains="Nobody looked at the schedule").count() == 3
    assert row.drills.filter(window_begins__gt=NOW).count() == 7


def test_what_cannot_be_proposed_is_named_and_the_next_one_is_tried(engine):
    row = planned(engine, parameters={"on": 0})
    schedules.tick(NOW)
    assert "could not be proposed" in row.missed.get().sentence
    assert not Drill.objects.exists()


def test_a_schedule_that_cannot_be_read_stops_no_other_one(engine):
    planned(engine, cron="nonsense")
    planned(engine)
    assert schedules.tick(NOW) == []
    assert Drill.objects.count() == 1
    assert "five fields" in schedules.outlook(Schedule.objects.get(cron="nonsense"), NOW).late
