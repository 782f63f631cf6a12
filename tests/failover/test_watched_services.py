"""Services that are asked always: by the real prober process beside the lab's truth; killed; retired; without a
database."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from failover.models import Objective, Service, ServiceSpan
from failover.services import objectives, steady
from failover.services.asker import Asker, Question
from failover.services.availability import over
from failover.services.objectives import Wish
from failover.services.steady import Part, Steady, questions
from inventory.models import Engine, Site
from portal.kernel.secret import Secret
from tests.fixtures_lab import RunningLab
from tests.fixtures_services import GOOD, says, served
from tests.fixtures_stand import TOP

pytestmark = [pytest.mark.wire, pytest.mark.django_db]
QUICK = Wish(Decimal("99.99"), "month", "UTC", 1.0)
LAG = 0.2  # the lab opens and closes its port up to so much after the truth has changed


def engine(url="https://127.0.0.1:1/ovirt-engine/api", ca_pem="", **more):
    site, _ = Site.objects.get_or_create(name="PROD")
    return Engine.objects.create(
        site=site, name="olvm", url=url, username="u", password=Secret("p"), ca_pem=ca_pem, **more
    )


def wait(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.05)


def process(folder):
    """The real prober, on the tests' database."""
    parts = urlsplit(os.environ["HOLDFAST_DATABASE_URL"])
    url = f"{parts.scheme}://{parts.netloc}/{connection.settings_dict['NAME']}?{parts.query}"
    log = (folder / "prober.log").open("ab")
    words = [sys.executable, "manage.py", "drill_prober"]
    return subprocess.Popen(
        words, env=os.environ | {"HOLDFAST_DATABASE_URL": url}, cwd=TOP, stdout=log, stderr=log, start_new_session=True
    )


def outage(lab):
    found = lab.http("GET", "/truth")["engine_outages"]
    return (found[-1]["from_wall"], found[-1]["until_wall"]) if found and found[-1]["until"] else None


def edges(row):
    """Per part, the seconds between the last answer before the outage and its first question, and at its end."""
    found = []
    for part in ("health", "api"):
        spans = list(row.spans.filter(part=part).order_by("began_mono"))
        found += [after.began_mono - before.last_mono for before, after in itertools.pairwise(spans)]
    return found


@pytest.mark.django_db(transaction=True)
def test_the_outage_is_the_true_one_and_a_prober_that_is_killed_claims_nothing(tmp_path):
    lab = RunningLab(tmp_path, 40.0)
    begins = timezone.now()
    prober = None
    try:
        about = lab.estate["engine"]
        row = objectives.declare(engine(about["url"], about["ca_pem"]), "engine", "engine", QUICK, "anna")
        prober = process(tmp_path)
        wait(lambda: row.spans.filter(state="up", questions__gte=3).count() == 2)
        lab.fault("poweroff-engine-vm", "engine")
        wait(lambda: outage(lab) is not None)
        back = timezone.now()
        wait(
            lambda: row.spans.filter(state="up", began__gte=back - timedelta(seconds=60), questions__gte=2).count() >= 4
        )
        prober.kill()
        prober.wait()
        true = outage(lab)
    finally:
        lab.stop()
        if prober is not None and prober.poll() is None:
            prober.kill()
            prober.wait()
    now = timezone.now()
    told = over(row, begins, now, now)
    (one,) = told.outages
    assert one.ends is not None
    assert not one.planned
    assert one.begins.timestamp() <= true[0] + LAG  # never shorter than it was
    assert one.ends.timestamp() >= true[1] - LAG
    assert max(edges(row)) < 5  # of questions that are asked every second, on a machine that may stall
    assert true[0] - one.begins.timestamp() <= max(edges(row)) + LAG
    assert one.ends.timestamp() - true[1] <= 2 * max(edges(row)) + LAG  # two parts come back one after the other
    assert told.ratio == told.up_s / (told.up_s + one.seconds)
    later = over(row, begins, now + timedelta(seconds=61), now + timedelta(seconds=60))
    assert not later.watched
    assert later.not_watched_s >= 55
    assert (later.up_s, later.outages) == (told.up_s, told.outages)


@pytest.fixture
def said():
    return []


@pytest.fixture
def watching(said):
    made = Steady(said.append)
    yield made
    made.rest()


def rounds(watching, true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it does not come true"
        watching.collect()
        watching.follow()
        watching.save()
        time.sleep(0.1)


def database(place, on=None):
    on = on or engine()
    Service.objects.create(engine=on, name="core-db", kind="tcp", address=place)
    return objectives.declare(on, "service", "core-db", QUICK, "anna")


def test_one_row_per_state_however_many_questions(watching, said):
    with served(says(GOOD)) as place:
        row = database(place)
        rounds(watching, lambda: row.spans.filter(questions__gte=3).exists())
        (span,) = row.spans.all()
        assert (span.part, span.state, span.why) == ("service", "up", "")
    rounds(watching, lambda: row.spans.filter(state="down", questions__gte=2).exists())
    assert [span.state for span in row.spans.all()] == ["up", "down"]
    assert said == ["Watches 1 services always."]


def test_what_is_asked_follows_what_is_promised(watching, monkeypatch, said):
    monkeypatch.setattr(steady, "REFRESH", 0.0)
    with served(says(GOOD)) as place:
        row = database(place)
        managed = objectives.declare(row.engine, "engine", "engine", QUICK, "anna")
        wanted = questions()
        assert wanted.keys() == {Part(row.pk, "service"), Part(managed.pk, "health"), Part(managed.pk, "api")}
        assert wanted[Part(managed.pk, "api")].address == "https://127.0.0.1:1/ovirt-engine/api"
        rounds(watching, lambda: row.spans.exists() and managed.spans.filter(state="down").count() == 2)
        objectives.change(row, Wish(Decimal("99.9"), "month", "UTC", 2.0), "anna", "slower")
        rounds(watching, lambda: row.spans.count() == 2)  # asked anew at the new rhythm
        objectives.retire(managed, "anna", "not ours")
        rounds(watching, lambda: watching._said == 1)
        Service.objects.all().delete()
        assert questions() == {}
        Engine.objects.update(watched=False)
        assert questions() == {}
    assert said == ["Watches 2 services always.", "Watches 1 services always."]


@pytest.mark.matrix
@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_loses_nothing_and_a_deleted_objective_takes_nothing_along(watching, monkeypatch):
    with served(says(GOOD)) as place:
        row, other = database(place), objectives.declare(Engine.objects.get(), "engine", "engine", QUICK, "anna")
        rounds(watching, lambda: row.spans.exists() and other.spans.count() == 2)

        def away(*args, **more):
            raise OperationalError("the connection is lost")

        with monkeypatch.context() as patched:
            patched.setattr(ServiceSpan.objects, "bulk_create", away)
            wait(lambda: watching.collect() or watching.kept >= 3)
            with pytest.raises(OperationalError):
                watching.save()
        Objective.objects.filter(pk=other.pk).delete()
        watching.save()
        assert watching.kept == 0
        assert ServiceSpan.objects.exclude(objective=row).count() == 0
        assert row.spans.count() == 1


def test_of_too_many_spans_the_oldest_go(watching, monkeypatch):
    monkeypatch.setattr(steady, "MOST", 2)
    with served(says(GOOD)) as place:
        row = database(place)
        rounds(watching, row.spans.exists)
        stretches = [type("S", (), {"began": type("T", (), {"mono": float(n)})()})() for n in range(5)]
        watching._keep(Part(row.pk, "service"), stretches)
        assert sorted(key[2] for key in watching._kept) == [3.0, 4.0]
        watching._kept.clear()


def test_a_service_that_falls_is_asked_faster_at_once():
    asker = Asker(Question(1, "x", "tcp", "127.0.0.1:1", every=30.0), hurried=0.1)
    try:
        found = []
        wait(lambda: found.extend(asker.taken()) or (found and found[-1].questions >= 4))
    finally:
        asker.end()
    assert found[-1].up is False
