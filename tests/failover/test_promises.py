"""What policies and schedules promise is kept from the moment on that it is seen, and never changed; what the evidence
tells of the time before is used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from backups.models import Policy
from backups.services import decide
from failover import tasks
from failover.models import Promise, Schedule
from failover.services import planning, promises
from inventory.models import Engine, Site
from portal.evidence import services as evidence
from portal.evidence.models import Record

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
FAR = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def engine():
    site = Site.objects.create(name="PROD")
    return Engine.objects.create(site=site, name="olvm", url="https://olvm.bank.example/ovirt-engine/api")


def policy(engine, **more):
    return Policy(**{"engine": engine, "name": "six-hourly", "rpo": 3600, "decided_to": timezone.now(), **more})


def kept():
    return [(one.kind, one.seconds, one.enabled, one.first) for one in Promise.objects.all()]


def told(engine):
    return list(promises.read([engine.pk], FAR))


def test_each_change_is_kept_once_whoever_made_it(engine):
    row = decide.save_policy(policy(engine), [], "admin1", ["rpo"])
    now = timezone.now()
    assert promises.keep(now) == 1
    assert promises.keep(now) == 0
    Policy.objects.filter(pk=row.pk).update(rpo=7200)  # by a shell, without a record
    later = now + DAY
    assert promises.keep(later) == 1
    decide.switch_policy(row, False, "admin1")
    assert promises.keep(later + DAY) == 1
    assert kept() == [("rpo", 3600, True, True), ("rpo", 7200, True, False), ("rpo", 7200, False, False)]
    first, second, third = told(engine)
    assert (first.first, first.since) == (True, Record.objects.get(kind="policy.added").at)
    assert (second.since, second.limit, third.enabled) == (later, timedelta(hours=2), False)


def test_what_is_kept_is_changed_by_nobody(engine):
    decide.save_policy(policy(engine), [], "admin1", [])
    tasks.report()
    with pytest.raises(IntegrityError, match="What was promised never changes"), transaction.atomic():
        Promise.objects.update(seconds=1)
    assert kept() == [("rpo", 3600, True, True)]


@pytest.mark.parametrize(
    ("changed", "first"), [(["cron"], True), (["rpo"], False), (["cron", "enabled"], False), (["engine"], False)]
)
def test_a_change_of_which_no_value_is_in_the_evidence_hides_what_was_before(engine, changed, first):
    row = decide.save_policy(policy(engine), [], "admin1", [])
    decide.save_policy(row, [], "admin1", changed)
    promises.keep(timezone.now())
    (one,) = told(engine)
    kind = "policy.added" if first else "policy.changed"
    assert (one.first, one.since) == (first, Record.objects.get(kind=kind).at)


def test_a_policy_without_any_record_counts_from_when_it_was_seen(engine):
    policy(engine).save()
    now = timezone.now()
    promises.keep(now)
    (one,) = told(engine)
    assert (one.first, one.since) == (False, now)
    assert list(promises.read([engine.pk], now - DAY)) == [one], "so that what is not kept shows"


def saved(row, days, on=True, plan="she_failover"):
    body = {"plan": plan, "overdue_days": days, "enabled": on}
    return evidence.append(promises.SAVED, "admin1", f"drill-schedule:{row.pk}", body)


def test_a_schedule_has_its_past_from_the_evidence(engine):
    row = Schedule.objects.create(engine=engine, plan="she_failover", overdue_days=60, decided_to=timezone.now())
    first, second = saved(row, 30, plan="tabletop"), saved(row, 60)
    evidence.append(promises.SAVED, "admin1", f"drill-schedule:{row.pk}", {"overdue_days": "?"})
    promises.keep(timezone.now())
    rows = told(engine)
    assert [(one.since, one.limit.days, one.plan, one.proves, one.first) for one in rows] == [
        (first.at, 30, "tabletop", False, True),
        (second.at, 60, "she_failover", True, False),
    ]
    assert list(promises.read([engine.pk], first.at)) == rows[1:], "what lies after its first row shows nothing unkept"


def test_the_form_writes_what_is_read_back(engine):
    row = Schedule(engine=engine, plan="she_switchover", cron="", zone="UTC", overdue_days=45, minutes=60)
    planning.save_schedule(row, {"people": "", "rto": 60, "parameters": {}}, "admin1")
    promises.keep(timezone.now())
    assert [(one.limit.days, one.proves, one.first) for one in told(engine)] == [(45, False, True)]
    Schedule.objects.filter(pk=row.pk).delete()
    promises.keep(timezone.now())
    assert [one.enabled for one in told(engine)] == [True, False]
    assert promises.keep(timezone.now()) == 0


def test_a_schedule_that_was_changed_beside_the_portal_counts_from_when_it_was_seen(engine):
    row = Schedule.objects.create(engine=engine, plan="she_failover", overdue_days=10, decided_to=timezone.now())
    saved(row, 30)
    now = timezone.now()
    promises.keep(now)
    assert [(one.limit.days, one.first) for one in told(engine)] == [(30, True), (10, False)]
    assert told(engine)[1].since == now
