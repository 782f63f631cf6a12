"""A drill is measured once its Run has ended, is put on record, and is closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from backups.models import Backup, Copy, Destination, Policy
from failover.models import Drill, Prompt, Service, Span
from failover.services import boottime, clock, concluding, measured
from failover.services.probing import Prober
from inventory.models import Engine, Site, Transition
from portal.evidence.models import Record
from portal.kernel.secret import Secret
from portal.runs.models import Run, RunStep

pytestmark = pytest.mark.django_db
S = Run.Status
ZERO = datetime(2026, 11, 22, 22, 14, 3, tzinfo=UTC)
MONO = 5000.0


def moment(seconds):
    return ZERO + timedelta(seconds=seconds)


@pytest.fixture
def drill():
    site = Site.objects.create(name="PROD")
    on = Engine.objects.create(
        site=site, name="olvm", url="https://e/ovirt-engine/api", username="u", password=Secret("p")
    )
    Service.objects.create(engine=on, name="oradb01", kind="tcp", address="oradb01:1521")
    run = Run.objects.create(
        plan="she_failover", plan_version=1, title="Failover", digest="", target=f"she:{on.pk}", target_name="olvm",
        requested_by="anna", status=S.SUCCEEDED, started=moment(-60), ended=moment(700),
    )  # fmt: skip
    for number, (name, began, ended, mutating) in enumerate(
        [
            ("ready_again", -60, -2, False),
            ("start_clock", -0.5, 0.1, False),
            ("poweroff", 0.5, 3, True),
            ("wait", 3, 152, False),
        ],
        1,
    ):
        RunStep.objects.create(
            run=run, position=number, name=name, title=name, mutating=mutating, state="done",
            began=moment(began), ended=moment(ended), intended_at=moment(began + 0.2) if mutating else None,
        )  # fmt: skip
    return Drill.objects.create(
        engine=on, run=run, plan="she_failover", title="Failover", requested_by="anna", requested_at=moment(-600),
        clock_began=ZERO, clock_began_mono=MONO, clock_boot=boottime.boot(), measured={"fenced": True},
        objectives=[
            {"key": "engine", "title": "Engine", "kind": "rto", "service": "engine", "seconds": 300},
            {"key": "quick", "title": "Engine, quick", "kind": "rto", "service": "", "seconds": 60},
            {"key": "db", "title": "Database", "kind": "rto", "service": "oradb01", "seconds": 5},
            {"key": "other", "title": "Other", "kind": "rto", "service": "nobody", "seconds": 5},
            {"key": "loss", "title": "Loss", "kind": "rpo", "seconds": 86400},
            {"key": "none", "title": "No figure", "kind": "rto", "service": "engine"},
        ],
    )  # fmt: skip


def span(drill, service, up, began, last, why="", boot=None):
    Span.objects.create(
        drill=drill, service=service, up=up, why=why, boot=boot or boottime.boot(), began_mono=MONO + began,
        last_mono=MONO + last, began=moment(began), last=moment(last), questions=9, widest=0.5,
    )  # fmt: skip


def failed_over(drill, boot=None):
    span(drill, "engine", True, -60, 1.0)
    span(drill, "engine", False, 1.5, 150.0, "nothing listens there; then HTTP 503")
    span(drill, "engine", True, 150.5, 701, boot=boot)
    span(drill, "oradb01", True, -60, 701)


def proven(drill, taken):
    policy = Policy.objects.create(engine=drill.engine, name="daily", decided_to=ZERO)
    place = Destination.objects.create(name="DR", site=drill.engine.site, kind="directory", path="/none")
    backup = Backup.objects.create(
        engine=drill.engine,
        policy=policy,
        ident="20261122T180003",
        taken=taken,
        status="DONE",
        proof="proven",
        whole=True,
    )
    Copy.objects.create(backup=backup, destination=place, state=Copy.State.HELD)


def test_verdicts_of_a_failover(drill):
    failed_over(drill)
    proven(drill, moment(-3600))
    proven_later = Backup.objects.get()
    Backup.objects.create(
        engine=drill.engine, policy=proven_later.policy, ident="later", taken=moment(60), status="DONE", proof="proven"
    )
    told = measured.measure(drill)
    words = {one["key"]: one["word"] for one in told["verdicts"]}
    assert words == {
        "engine": "met", "quick": "not met", "db": "met", "other": "not tested", "loss": "met", "none": "not tested",
    }  # fmt: skip
    assert told["measured"]["rto"] == 150.25
    assert told["measured"]["fenced"] is True
    assert told["measured"]["backup"]["age"] == 3600.0
    assert told["measured"]["clock"]["act"] == 0.7
    engine, database = told["measured"]["services"]
    assert (engine["key"], engine["state"], engine["objective"]) == ("engine", "recovered", 60.0)
    assert engine["outages"][0]["length"] == {"seconds": 149.0, "error": 0.5, "low": 148.5, "high": 149.5}
    assert (database["key"], database["state"]) == ("oradb01", "steady")
    assert measured.measure(drill) == told


def test_it_is_concluded_once_put_on_record_and_closed(drill):
    failed_over(drill)
    assert concluding.due() == [drill.pk]
    assert concluding.conclude(drill.pk)
    assert not concluding.conclude(drill.pk)
    assert concluding.due() == []
    drill.refresh_from_db()
    assert drill.closed_at is not None
    record = Record.objects.get(kind="drill.measured", subject=f"drill:{drill.pk}")
    assert record.body["verdicts"][0]["word"] == "met"


def test_a_run_that_needs_attention_is_measured_and_measured_anew_when_it_has_gone_on(drill):
    failed_over(drill)
    Run.objects.update(status=S.NEEDS_ATTENTION)
    assert concluding.conclude(drill.pk)
    drill.refresh_from_db()
    assert drill.closed_at is None
    assert concluding.due() == []
    Run.objects.update(status=S.ROLLED_BACK, ended=moment(900))
    assert concluding.due() == [drill.pk]
    assert concluding.conclude(drill.pk)
    drill.refresh_from_db()
    assert drill.closed_at is not None


@pytest.mark.parametrize(
    "change",
    [{"status": S.RUNNING}, {"status": S.ABORTED, "started": None}, {"ended": "now"}],
)
def test_what_is_not_over_long_enough_or_never_began_is_not_concluded(drill, change):
    given = {**change, "ended": timezone.now()} if change.get("ended") else change
    Run.objects.update(**given)
    assert concluding.due() == []


def test_a_clock_that_was_never_started_tests_nothing(drill):
    Drill.objects.update(clock_began=None, clock_began_mono=None, clock_boot="")
    drill.refresh_from_db()
    failed_over(drill)
    told = measured.measure(drill)
    assert {one["word"] for one in told["verdicts"]} == {"not tested"}
    assert (told["measured"]["clock"], told["measured"]["rto"], told["measured"]["own_view"]) == (None, None, [])


def test_after_a_restart_of_the_machine_nothing_is_met(drill):
    failed_over(drill, boot="another")
    told = measured.measure(drill)
    assert told["verdicts"][0]["word"] == "not tested"
    assert told["measured"]["rto"] is None
    assert told["measured"]["services"][0]["exact"] is False


def test_prompts_pause_the_clock(drill):
    failed_over(drill)
    Prompt.objects.create(drill=drill, step="cut_power", question="Is it off?", asked_at=moment(10), at=moment(100))
    Prompt.objects.create(drill=drill, step="late", question="Back?", asked_at=moment(650))
    told = measured.measure(drill)
    assert [(one["began"], one["ended"]) for one in told["measured"]["pauses"]] == [(10.0, 100.0), (650.0, 700.0)]
    assert {one["key"]: one["word"] for one in told["verdicts"]}["quick"] == "not met"  # 60.25 s are charged
    drill.objectives = [{"key": "a", "kind": "rto", "seconds": 61}]
    assert measured.measure(drill)["verdicts"][0]["word"] == "met"


def test_the_estates_own_view_is_beside_it(drill):
    for at, words in ((-31, "Too early."), (20, "kvm02 says EngineStart."), (701, "Too late.")):
        Transition.objects.create(
            engine=drill.engine, at=moment(at), probe="she_status", check_name="state", subject_kind="host",
            subject_key="kvm02", to_outcome="warn", sentence=words,
        )  # fmt: skip
    (one,) = measured.measure(drill)["measured"]["own_view"]
    assert (one["seconds"], one["who"], one["what"]) == (20.0, "kvm02", "kvm02 says EngineStart.")


def test_a_service_that_is_declared_no_more_is_still_told_of(drill):
    failed_over(drill)
    Service.objects.all().delete()
    assert [one["key"] for one in measured.measure(drill)["measured"]["services"]] == ["engine", "oradb01"]


def test_what_the_evidence_refuses_does_not_stop_the_prober(drill):
    failed_over(drill)
    Span.objects.filter(up=False).update(why="-----BEGIN PRIVATE KEY-----")
    said = []
    prober = Prober(said.append)
    prober._session = object()
    for _ in range(2):
        prober._conclude()
    assert len(said) == 1
    drill.refresh_from_db()
    assert drill.closed_at is None


# --- the clock of the page


def test_the_clock_before_the_injection(drill):
    Drill.objects.update(clock_began=None)
    drill.refresh_from_db()
    state = clock.state(drill, ZERO)
    assert (state.running, state.since, state.elapsed, state.objective) == (False, None, None, 60.0)
    assert clock.begin(drill.pk)
    assert not clock.begin(drill.pk)


def live(drill, began):
    """The drill as it runs, its clock started `began` seconds ago."""
    Run.objects.update(status=S.RUNNING, ended=None)
    now = boottime.now()
    Drill.objects.update(clock_began=now.at - timedelta(seconds=began), clock_began_mono=now.mono - began)
    drill.refresh_from_db()
    return Drill.objects.select_related("run").get(pk=drill.pk), now


def seen(drill, now, up, began, last, why=""):
    Span.objects.create(
        drill=drill, service="engine", up=up, why=why, boot=boottime.boot(), began_mono=now.mono + began,
        last_mono=now.mono + last, began=now.at + timedelta(seconds=began), last=now.at + timedelta(seconds=last),
    )  # fmt: skip


def test_the_clock_runs_while_the_engine_is_away(drill):
    drill, now = live(drill, 100)
    seen(drill, now, True, -160, -99)
    seen(drill, now, False, -98.5, -0.4, "HTTP 503")
    state = clock.state(drill, timezone.now())
    assert state.running
    assert 100 <= state.elapsed < 102
    assert state.asked_ago < 3
    assert state.words == "The engine has not answered since 1.5 s on the clock: HTTP 503."


def test_the_clock_does_not_follow_the_wall(drill):
    drill, now = live(drill, 100)
    seen(drill, now, True, -160, -0.3)
    state = clock.state(drill, timezone.now() + timedelta(hours=1))
    assert 100 <= state.elapsed < 102
    assert state.words == "The engine answers; it has not stopped since the clock's start."


def test_a_silent_prober_is_said(drill):
    drill, now = live(drill, 100)
    assert "drill_prober" in clock.state(drill, timezone.now()).words
    seen(drill, now, True, -160, -40)
    state = clock.state(drill, timezone.now())
    assert 40 <= state.asked_ago < 42
    assert "Nobody has asked the engine for 40" in state.words
    Span.objects.update(boot="another")
    drill = Drill.objects.select_related("run").get(pk=drill.pk)
    assert 39 <= clock.state(drill, timezone.now()).asked_ago < 42


def test_the_clock_stops_when_the_engine_is_back(drill):
    failed_over(drill)
    for seconds in (140.0, 160.0, 180.0):
        Drill.objects.create(
            engine=drill.engine, plan=drill.plan, title="Past", requested_by="anna", requested_at=ZERO,
            measured={"rto": seconds},
        )  # fmt: skip
    state = clock.state(Drill.objects.select_related("run").get(pk=drill.pk), moment(700))
    assert (state.running, state.elapsed, state.error, state.expected) == (False, 150.25, 0.25, 160.0)
    assert [(one.title, one.kind) for one in state.phases] == [
        ("start_clock", "done"),
        ("poweroff", "done"),
        ("wait", "done"),
    ]
    assert state.words.startswith("The engine was back 2 min 30.2 s (± 0.3 s)")


def test_a_switchover_without_an_outage_stops_with_its_steps(drill):
    span(drill, "engine", True, -60, 701)
    assert clock.stop(drill.pk)
    Drill.objects.update(clock_ended_mono=MONO + 33)
    drill = Drill.objects.select_related("run").get(pk=drill.pk)
    state = clock.state(drill, moment(700))
    assert (state.running, state.elapsed) == (False, 33.0)


def test_an_engine_that_is_not_back_at_the_runs_end(drill):
    span(drill, "engine", True, -60, 1.0)
    span(drill, "engine", False, 1.5, 699.0, "HTTP 503")
    state = clock.state(Drill.objects.select_related("run").get(pk=drill.pk), moment(800))
    assert (state.running, state.elapsed) == (False, 700.0)
    assert "has not answered since 1.5 s" in state.words
