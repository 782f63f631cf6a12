"""What each package calls an alarm: from rows as looks, backups, drills and runs leave them."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from django.utils import timezone

import backups.services.alarms as of_backups
import failover.services.alarms as of_failover
import inventory.services.alarms as of_looks
from backups.verdicts.lines import Line
from failover.models import BreakGlass, Drill, Missed, Schedule, Window
from inventory.models import Engine, Finding, Host, Look, Lun, Site, Transition
from inventory.probes.judging.lun_paths import lun_finding
from inventory.probes.reading.multipath import MapFact
from inventory.services.looks import every
from inventory.verdicts.alarming import concern, severity
from portal.alerts.models import Alert
from portal.alerts.rules.alarm import Ask, Concern, Severity
from portal.alerts.services.tick import tick
from portal.kernel.freshness import allowed_age
from portal.kernel.outcome import Outcome
from portal.runs.alarms import alarms as of_runs
from portal.runs.models import Run, RunStep

pytestmark = pytest.mark.django_db
MIN = timedelta(minutes=1)
NUMBER = count()


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def engine():
    site = Site.objects.create(name="PROD")
    return Engine.objects.create(site=site, name="olvm", url="https://e/ovirt-engine/api", username="u", password="p")


def host(engine, name):
    return Host.objects.create(engine=engine, uuid=name, name=name, address=name)


def finding(
    engine, now, outcome, check="paths", on=None, probe="multipath", kind="lun", key="wwid1", ago=5 * MIN, **more
):
    look, _ = Look.objects.get_or_create(
        engine=engine, host=on, probe=probe, defaults={"due_at": now, "at": now, "state": "read"}
    )
    return Finding.objects.create(
        look=look, check_name=check, subject_kind=kind, subject_key=key, outcome=outcome,
        sentence=more.get("sentence", f"{key} on {on}: {check} is {outcome}."), since=now - ago,
    )  # fmt: skip


def moved(engine, now, before, after, ago, on=None, key="wwid1", check="paths", probe="multipath", kind="lun"):
    return Transition.objects.create(
        at=now - ago, engine=engine, host=on, probe=probe, check_name=check, subject_kind=kind, subject_key=key,
        from_outcome=before, to_outcome=after, sentence=f"{key} {after}.",
    )  # fmt: skip


def said(now, after=None, **held):
    return {one.key: one for one in of_looks.alarms(Ask(now, after, held))}


def test_a_failure_is_one_alarm_however_many_hosts_see_it(engine, now):
    one, two = host(engine, "kvm01"), host(engine, "kvm02")
    Lun.objects.create(engine=engine, uuid="wwid1", name="ora_data01")
    finding(engine, now, "fail", on=one, ago=9 * MIN, sentence="ora_data01 lost a path on kvm01.")
    finding(engine, now, "fail", on=two, ago=5 * MIN)
    finding(engine, now, "ok", on=two, key="wwid2")
    finding(engine, now, "warn", on=two, key="wwid3")
    (alarm,) = said(now).values()
    assert alarm.key == f"finding:{engine.pk}:lun:wwid1:paths"
    assert alarm.sentence == "ora_data01 lost a path on kvm01. 2 hosts see it: kvm01, kvm02."
    assert (alarm.about.kind, alarm.about.name, alarm.about.engine, alarm.about.site) == (
        "lun",
        "ora_data01",
        "olvm",
        "PROD",
    )
    assert (alarm.severity, alarm.concern, alarm.since) == (Severity.CRITICAL, Concern.STORAGE, now - 9 * MIN)
    assert alarm.link == f"/luns/{Lun.objects.get().pk}/"
    assert (alarm.hold, alarm.calm) == (of_looks.HOLD, of_looks.CALM)


def test_a_lun_without_any_path_is_told_in_a_window_too(engine, now):
    """A path that is lost is less redundancy, which people cause when they work; none at all stops what writes."""
    one, two = host(engine, "kvm01"), host(engine, "kvm02")
    finding(engine, now, "fail", on=one, ago=9 * MIN, sentence="All that is left runs over fabric A: no redundancy.")
    assert [each.concern for each in said(now).values()] == [Concern.STORAGE]
    gone = lun_finding(MapFact("wwid1", "wwid1", ()), None, (), "kvm02")
    finding(engine, now, gone.outcome.value, on=two, ago=2 * MIN, sentence=gone.sentence)
    (alarm,) = said(now).values()
    assert (alarm.concern, alarm.since) == (Concern.DATA_LOSS, now - 9 * MIN)
    assert alarm.sentence.startswith("LUN wwid1 has no working path on kvm02")


def test_a_service_leads_to_its_own_page(engine, now):
    """Whatever is wrong with it, and in whatever form it is told."""
    given = {"probe": "availability", "kind": "service"}
    finding(engine, now, "fail", "answers", key="core-db", **given)
    finding(engine, now, "ok", "answers", key="reports", **given)
    facts = {"services": [{"objective": 7, "title": "core-db"}, {"objective": 8, "title": "reports"}]}
    Look.objects.update(facts=facts)
    assert [one.link for one in said(now).values()] == ["/availability/7/"]
    Finding.objects.update(outcome="unknown")
    assert said(now)[f"unknown:engine:{engine.pk}"].link == "/availability/", "two of them"
    Finding.objects.filter(subject_key="core-db").update(outcome="ok")
    assert said(now)[f"unknown:engine:{engine.pk}"].link == "/availability/8/"
    key = f"finding:{engine.pk}:service:reports:answers"
    assert said(now, **{key: now})[key].link == "/availability/8/", "it failed before"
    finding(engine, now, "unknown", "health", None, "engine_health", "engine", "olvm")
    assert said(now)[f"unknown:engine:{engine.pk}"].link == "/engine/", "more than services"
    Finding.objects.all().delete()
    for ago in (1, 3, 5):
        moved(engine, now, "ok", "fail", ago * MIN, key="core-db", check="answers", **given)
    assert [one.link for one in said(now).values()] == ["/availability/7/"]
    Look.objects.update(facts=None)
    assert [one.link for one in said(now).values()] == ["/availability/"]


def test_a_budget_that_burns_slowly_is_a_warning_and_one_that_burns_fast_is_graver(engine, now):
    given = {"probe": "availability", "kind": "service", "key": "core-db"}
    finding(engine, now, "warn", "burn_rate", **given)
    finding(engine, now, "warn", "budget", **given)
    (alarm,) = said(now).values()
    assert (alarm.key.endswith(":burn_rate"), alarm.severity) == (True, Severity.WARNING)
    Finding.objects.filter(check_name="burn_rate").update(outcome="fail")
    assert [one.severity for one in said(now).values()] == [Severity.CRITICAL]


def test_an_engine_that_is_not_watched_is_no_alarm(engine, now):
    finding(engine, now, "fail")
    Engine.objects.update(watched=False)
    assert said(now) == {}


def test_what_is_not_known_is_one_alarm_per_thing_that_is_looked_at(engine, now):
    one, two = host(engine, "kvm01"), host(engine, "kvm02")
    for check in ("disk", "clock", "memory"):
        finding(engine, now, "unknown", check, one, "host_facts", "host", "kvm01", ago=4 * MIN)
    finding(engine, now, "unknown", "agents", two, "she_status", "host", "kvm02")
    finding(engine, now, "unknown", "health", None, "engine_health", "engine", "olvm")
    found = said(now)
    assert set(found) == {f"unknown:host:{one.pk}", f"unknown:host:{two.pk}", f"unknown:engine:{engine.pk}"}
    alarm = found[f"unknown:host:{one.pk}"]
    assert alarm.sentence.startswith("3 checks of kvm01 are not known since ")
    assert "(host_facts)" in alarm.sentence
    assert (alarm.severity, alarm.concern, alarm.hold) == (
        Severity.WARNING,
        Concern.AVAILABILITY,
        of_looks.UNKNOWN_HOLD,
    )
    assert alarm.link == f"/hosts/{one.pk}/"


def test_a_look_that_is_too_old_is_not_known(engine, now):
    one = host(engine, "kvm01")
    finding(engine, now, "ok", "disk", one, "host_facts", "host", "kvm01")
    finding(engine, now, "fail", "clock", one, "host_facts", "host", "kvm01")
    Look.objects.update(at=now - timedelta(days=1))
    (alarm,) = said(now).values()
    assert alarm.sentence.startswith("2 checks of kvm01 are not known")
    assert alarm.since == now - timedelta(days=1) + timedelta(seconds=allowed_age(every("host_facts")))


def test_a_host_that_lets_nobody_in_is_one_alarm(engine, now):
    one = host(engine, "kvm01")
    finding(engine, now, "fail", "answers", one, "ssh", "host", "kvm01")
    finding(engine, now, "unknown", "disk", one, "host_facts", "host", "kvm01")
    (alarm,) = said(now).values()
    assert (alarm.concern, alarm.link) == (Concern.AVAILABILITY, f"/hosts/{one.pk}/")
    Finding.objects.filter(check_name="answers").update(check_name="trust")
    (alarm,) = said(now).values()
    assert (alarm.concern, alarm.link) == (Concern.CONTROL, f"/hosts/{one.pk}/key/"), (
        "a refused host key needs a person"
    )


def test_what_fails_again_and_again_is_one_alarm_without_patience(engine, now):
    one = host(engine, "kvm01")
    for minute in (1, 3, 5):
        moved(engine, now, "ok", "fail", minute * MIN, one)
        moved(engine, now, "fail", "ok", minute * MIN - MIN / 2, one)
    (alarm,) = said(now).values()
    assert alarm.sentence == "wwid1: the check paths failed 3 times within 10 min. Look at its changes."
    assert (alarm.hold, alarm.since, alarm.again) == (0.0, now - 5 * MIN, now - MIN)
    assert said(now + 9 * MIN) == {}
    Transition.objects.all().delete()
    for number in range(3):  # three hosts that see one failure are no flapping
        moved(engine, now, "ok", "fail", MIN, host(engine, f"h{number}"))
    assert said(now) == {}


def test_what_is_not_known_any_more_is_not_over(engine, now):
    one = host(engine, "kvm01")
    row = finding(engine, now, "fail", on=one)
    (alarm,) = said(now).values()
    Finding.objects.filter(pk=row.pk).update(outcome="unknown", since=now)
    found = said(now, **{alarm.key: alarm.since})
    kept = found[alarm.key]
    assert "whether the check paths still fails is not known" in kept.sentence
    assert (kept.severity, kept.again) == (alarm.severity, alarm.again)
    Finding.objects.filter(pk=row.pk).update(outcome="ok")
    assert said(now, **{alarm.key: alarm.since}) == {}


def test_what_came_and_went_while_nobody_looked_is_told(engine, now):
    one = host(engine, "kvm01")
    moved(engine, now, "ok", "fail", 50 * MIN, one)
    moved(engine, now, "fail", "ok", 30 * MIN, one)
    moved(engine, now, "ok", "fail", 20 * MIN, one, key="short")
    moved(engine, now, "fail", "ok", 20 * MIN - MIN / 2, one, key="short")
    moved(engine, now, "fail", "unknown", 10 * MIN, one, key="blind")
    moved(engine, now, "fail", "ok", 10 * MIN, one, key="no beginning")
    assert said(now) == {}, "there is no last time"
    assert said(now, now - MIN / 2) == {}, "somebody has just looked"
    found = said(now, now - 60 * MIN)
    alarm = found[f"finding:{engine.pk}:lun:wwid1:paths"]
    assert (alarm.since, alarm.until) == (now - 50 * MIN, now - 30 * MIN)
    assert "while the portal told nobody" in alarm.sentence
    assert said(now, now - 60 * MIN, **{alarm.key: now}).get(alarm.key) is None, "that one is open already"
    assert said(now, now - 29 * MIN).get(alarm.key) is None


def test_from_rows_to_an_alert_and_back(engine, now, settings):
    settings.HOLDFAST_ALARMS = ["inventory.services.alarms.alarms"]
    one = host(engine, "kvm01")
    finding(engine, now, "fail", on=one, ago=MIN / 2)
    tick(now)
    assert not Alert.objects.exists(), "not yet a minute"
    Look.objects.update(at=now + MIN / 2)
    tick(now + MIN / 2)
    row = Alert.objects.get()
    Finding.objects.update(outcome="ok")
    for minute in (1, 5.9):
        Look.objects.update(at=now + minute * MIN)
        tick(now + minute * MIN)
    row.refresh_from_db()
    assert row.resolved_at is None
    Look.objects.update(at=now + 6 * MIN)
    tick(now + 6 * MIN)
    row.refresh_from_db()
    assert row.resolved_at is not None


def test_what_is_at_stake():
    assert concern("replication", "replication_age") is Concern.DATA_LOSS
    assert concern("multipath", "identity") is Concern.DATA_LOSS
    assert concern("engine_health", "certificate") is Concern.CONFIGURATION
    assert concern("engine_health", "health") is Concern.AVAILABILITY
    assert concern("oracle_tuning", "tuning_vm") is Concern.CONFIGURATION
    assert concern("availability", "budget") is Concern.AVAILABILITY
    assert concern("ssh", "trust") is Concern.CONTROL
    assert concern("some new probe", "x") is Concern.STORAGE
    assert [severity(one).value for one in (Outcome.WARN, Outcome.UNKNOWN, Outcome.FAIL)] == [
        "info",
        "warning",
        "critical",
    ]


def run(status, now, **more):
    given = {"plan": "she_failover", "plan_version": 1, "title": "Failover", "digest": "0" * 64, "target_name": "olvm",
             "requested_by": "anna", "sentence": "The agent does not start.", **more}  # fmt: skip
    given.setdefault("target", f"host:{next(NUMBER)}")
    return Run.objects.create(status=status, created=now, **given)


def test_runs_that_need_a_person(now):
    bad, broke = run("needs_attention", now, ended=now - MIN), run("errored", now)
    for status in ("failed", "rolled_back", "succeeded", "aborted", "running"):
        run(status, now)
    late = run("errored", now, ended=now - MIN)  # asked for long before its window
    Run.objects.filter(pk=late.pk).update(created=now - timedelta(days=60))
    old = run("errored", now, ended=now - timedelta(days=31))
    kept = {one.key for one in of_runs(Ask(now, open={f"run:{old.pk}": now}))}
    assert f"run:{old.pk}" in kept, "what does not end by itself is told until its alert is closed"
    found = {one.key: one for one in of_runs(Ask(now))}
    assert set(found) == {f"run:{bad.pk}", f"run:{broke.pk}", f"run:{late.pk}"}
    alarm = found[f"run:{bad.pk}"]
    assert alarm.sentence == f"Run {bad.pk} (Failover) needs attention on olvm: The agent does not start."
    assert (alarm.concern, alarm.link, alarm.since) == (Concern.CONTROL, f"/runs/{bad.pk}/", now - MIN)


def window(engine, now, **more):
    given = {"scope": "global", "state": "active", "owner": "anna", "asked_at": now - 60 * MIN,
             "deadline": now + 30 * MIN, "sentence": "It was entered.", **more}  # fmt: skip
    return Window.objects.create(engine=engine, **given)


def of_maintenance(now):
    return [(one.key.rpartition(":")[2], one.severity.value) for one in of_failover.alarms(Ask(now))
            if one.key.startswith("window:")]  # fmt: skip


def test_maintenance_near_and_past_its_deadline_and_without_an_owner(engine, now):
    row = window(engine, now)
    assert of_maintenance(now) == []
    (quiet,) = of_failover.quiets(now)
    assert (quiet.engine, quiet.host) == ("olvm", "")
    assert quiet.sentence.startswith("Global maintenance of olvm is active until ")
    Window.objects.update(warned_at=now)
    assert of_maintenance(now) == [("deadline", "warning")]
    Window.objects.update(overdue_at=now, deadline=now)
    assert of_maintenance(now) == [("deadline", "critical")]
    assert list(of_failover.quiets(now)) == [], "past its deadline nothing is held back for it"
    Window.objects.update(owner="", deadline=None)
    assert of_maintenance(now) == [("found", "warning")]
    assert list(of_failover.quiets(now)) == [], "nobody has approved what was set by hand"
    Window.objects.update(state="ended")
    assert of_maintenance(now) == []
    Window.objects.filter(pk=row.pk).update(state="active", owner="anna", scope="local", host=host(engine, "kvm01"),
                                            deadline=now + MIN)  # fmt: skip
    assert [one.host for one in of_failover.quiets(now)] == ["kvm01"]


def test_drills_have_people_answer_for_them(engine, now):
    active = run("running", now, target="she:1")
    drill = Drill.objects.create(engine=engine, run=active, plan="she_failover", title="Failover of olvm",
                                 requested_at=now)  # fmt: skip
    step = RunStep.objects.create(run=active, position=1, name="x", title="Wait", mutating=True)
    assert list(of_failover.quiets(now)) == [], "nothing was done yet"
    RunStep.objects.update(intended_at=now)
    assert [one.sentence for one in of_failover.quiets(now)] == [f"Failover of olvm is under way (run {active.pk})."]
    RunStep.objects.filter(pk=step.pk).update(state="held", deadline=now + 10 * MIN, sentence="kvm01 has score 0.")
    BreakGlass.objects.create(drill=drill, reason="Tonight.", asked_by="anna", asked_at=now, confirmed_by="bert",
                              confirmed_at=now, until=now + 60 * MIN)  # fmt: skip
    schedule = Schedule.objects.create(engine=engine, plan="she_failover", decided_to=now)
    Missed.objects.create(schedule=schedule, due_at=now, noticed_at=now, sentence="Nobody approved it.")
    found = {one.key.partition(":")[0]: one for one in of_failover.alarms(Ask(now))}
    assert set(found) == {"decision", "glass", "missed-drill", "unproven"}
    assert "kvm01 has score 0. Retry it, ignore it, or abort until " in found["decision"].sentence
    assert found["glass"].sentence.startswith("anna and bert broke the glass for Failover of olvm until ")
    assert (found["missed-drill"].sentence, found["missed-drill"].concern) == ("Nobody approved it.", Concern.PROOF)
    assert "it never was" in found["unproven"].sentence
    later = {one.key.partition(":")[0] for one in of_failover.alarms(Ask(now + timedelta(days=2)))}
    assert later == {"unproven"}
    told = Ask(now + timedelta(days=2), open={found["missed-drill"].key: now})
    assert "missed-drill" in {one.key.partition(":")[0] for one in of_failover.alarms(told)}, "until it is closed"


class Policy:
    pk, name = 7, "nightly"

    class engine:
        name = "olvm"

        class site:
            name = "PROD"


def standing(now, lines=(), word=None, done=True, failed=False):
    """A policy's standing as far as the alarms read it."""
    from types import SimpleNamespace

    from inventory.verdicts.answer import Word

    newest = SimpleNamespace(taken=now - 60 * MIN)
    facts = SimpleNamespace(newest=newest, done=newest if done else None)
    verdict = SimpleNamespace(
        lines=lines, word=word or Word.YES, base="No backup is restorable", lead="Take a new one."
    )
    return SimpleNamespace(policy=Policy, facts=facts, verdict=verdict)


def backups_say(monkeypatch, now, *standings):
    monkeypatch.setattr(of_backups, "standings", lambda now, rows: standings)
    return {one.key: one for one in of_backups.alarms(Ask(now))}


def test_backups_that_failed_never_came_or_cannot_be_restored(monkeypatch, now):
    from inventory.verdicts.answer import Word

    lines = (
        Line(Outcome.FAIL, "that is later than the objective", "4 h would be lost."),
        Line(Outcome.WARN, "the newest backup failed", "b7 failed."),
        Line(Outcome.WARN, "3 starts missed", "3 planned starts passed."),
    )
    found = backups_say(monkeypatch, now, standing(now, lines))
    assert set(found) == {"backup:7:that-is-later-than-the-objective", "backup:7:the-newest-backup-failed",
                          "backup:7:starts-missed"}  # fmt: skip
    assert all(one.concern is Concern.DATA_LOSS for one in found.values())
    assert found["backup:7:that-is-later-than-the-objective"].severity is Severity.CRITICAL
    failed = found["backup:7:the-newest-backup-failed"]
    assert (failed.severity, failed.since, failed.sentence) == (Severity.WARNING, now - 60 * MIN, "nightly: b7 failed.")
    assert failed.link == "/backups/policies/7/"
    (alarm,) = backups_say(monkeypatch, now, standing(now, word=Word.NO, done=False)).values()
    assert (alarm.sentence, alarm.hold) == ("nightly: No backup is restorable. Take a new one.", of_backups.HOLD)
    (alarm,) = backups_say(monkeypatch, now, standing(now, word=Word.NOT_KNOWN)).values()
    assert alarm.hold == 86_400.0, "a day to rehearse the first one"
    assert backups_say(monkeypatch, now, standing(now, word=Word.NOT_KNOWN, done=False)) == {}, "none was due yet"
    assert backups_say(monkeypatch, now, standing(now)) == {}


def test_policies_as_the_tables_have_them(engine, now):
    """The real query: a policy that is on, and never took a backup."""
    from backups.models import Policy as Row

    row = Row.objects.create(engine=engine, name="nightly", decided_to=now - timedelta(days=1))
    found = {one.key for one in of_backups.alarms(Ask(now))}
    assert any(key.startswith(f"backup:{row.pk}:") for key in found), "nobody looks at its schedule"
    Row.objects.update(enabled=False)
    assert list(of_backups.alarms(Ask(now))) == []
