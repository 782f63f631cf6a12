"""What the prober measures beside what the lab knows to be true. REAL_SPEED=1 adds one at real speed: 3 minutes."""

from __future__ import annotations

import os
import time

import pytest
from django.utils import timezone

from failover.models import Drill
from failover.services import clock, concluding
from failover.services.probing import Prober
from inventory.models import Engine, Site
from portal.kernel.secret import Secret
from portal.runs.models import Run
from tests.fixtures_lab import RunningLab

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]
RHYTHM = 0.5
LAG = 0.15  # the lab opens and closes its port up to so much after the truth has changed


def drilled(lab) -> Drill:
    about = lab.estate["engine"]
    on = Engine.objects.create(
        site=Site.objects.create(name="PROD"), name="olvm-engine", url=about["url"], username=about["username"],
        password=Secret(about["password"]), ca_pem=about["ca_pem"],
    )  # fmt: skip
    run = Run.objects.create(
        plan="she_failover", plan_version=1, title="Failover", digest="", target=f"she:{on.pk}", target_name=on.name,
        requested_by="anna", status=Run.Status.RUNNING, started=timezone.now(),
    )  # fmt: skip
    return Drill.objects.create(
        engine=on, run=run, plan="she_failover", title="Failover", requested_by="anna", requested_at=timezone.now(),
        objectives=[{"key": "engine", "title": "Engine", "kind": "rto", "service": "", "seconds": 300}],
    )  # fmt: skip


def rounds(prober, until, limit):
    end = time.monotonic() + limit
    while not until():
        assert time.monotonic() < end, "it does not come true"
        prober.round()
        time.sleep(0.25)


def outage(lab):
    """The lab's last true outage that has ended, in real seconds."""
    found = lab.http("GET", "/truth")["engine_outages"]
    return found[-1]["until_wall"] - found[-1]["from_wall"] if found and found[-1]["until"] else None


def measured_and_true(folder, speed, fault, limit):
    lab = RunningLab(folder, speed)
    prober = Prober(print)
    try:
        drill = drilled(lab)
        rounds(prober, lambda: drill.spans.filter(up=True, questions__gte=3).exists(), 20)
        assert clock.begin(drill.pk)
        lab.fault(fault, "engine")
        rounds(prober, lambda: outage(lab) is not None, limit)
        rounds(prober, lambda: drill.spans.filter(up=True).count() == 2, 20)
        rounds(prober, lambda: drill.spans.last().questions >= 4, 20)
        Run.objects.update(status=Run.Status.SUCCEEDED, ended=timezone.now())
        assert concluding.conclude(drill.pk)
        drill.refresh_from_db()
        return drill, drill.measured["services"][0], outage(lab)
    finally:
        prober.end()
        lab.stop()


def check(service, true, allowed):
    (seen,) = service["outages"]
    assert service["state"] == "recovered"
    assert abs(seen["length"]["seconds"] - true) <= allowed + LAG, (seen, true)
    assert seen["length"]["low"] - LAG <= true <= seen["length"]["high"] + LAG


@pytest.mark.parametrize(
    ("fault", "speed"),
    [("poweroff-engine-vm", 40.0), pytest.param("kill-engine-service", 120.0, marks=pytest.mark.matrix)],
)
def test_the_measured_outage_is_the_true_one(tmp_path, fault, speed):
    drill, service, true = measured_and_true(tmp_path, speed, fault, 40)
    assert true > 1.5
    check(service, true, true * 0.01 + RHYTHM)
    assert drill.verdicts[0]["word"] == "met"
    state = clock.state(drill, timezone.now())
    assert not state.running
    assert abs(state.elapsed - true) < 1.5


@pytest.mark.skipif(not os.environ.get("REAL_SPEED"), reason="opt in: it takes three minutes")
@pytest.mark.timeout(600)
def test_at_real_speed_within_half_a_second(tmp_path):
    _, service, true = measured_and_true(tmp_path, 1.0, "poweroff-engine-vm", 500)
    check(service, true, 0.5)
