"""Drills that have ended, as rows in the database: met, not met, aborted, on paper, empty. Times are fixed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from failover.models import Approval, BreakGlass, Drill, Prompt, Span
from inventory.models import Engine, Site
from portal.evidence import services as evidence
from portal.runs.models import Run, RunLine, RunStep

T0 = datetime(2026, 11, 22, 19, 14, 3, tzinfo=UTC)  # the injection: 22:14:03 EAT
BOOT = "0b8c7f0e-5b5d-4a43-9d6b-6f2b0a1d2c3e"
HASH = "4be190d27f3ca85519e06c4d" + "a" * 40
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7|add:7 }}"


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def engine() -> Engine:
    site, _ = Site.objects.get_or_create(name="PROD")
    row, _ = Engine.objects.get_or_create(
        name="olvm-engine",
        defaults={
            "site": site,
            "url": "https://olvm-engine.bank.example/ovirt-engine/api",
            "username": "admin@internal",
            "password": "not used here",
        },
    )
    return row


def run(plan: str, status: str, sentence: str, **more) -> Run:
    fields = {
        "plan_version": 7,
        "title": "Engine failover",
        "digest": HASH,
        "target": "she:1",
        "target_name": "olvm-engine",
        "requested_by": "operator1",
        "approved_by": "approver1",
        "change": "CHG0034817",
        "parameters": {"hosts": "7:kvm01:1,8:kvm02:2", "on": 7},
        "created": at(-9000),
        "started": at(-143),
        "ended": at(775),
    }
    return Run.objects.create(plan=plan, status=status, sentence=sentence, **{**fields, **more})


STEPS = (
    # name, title, began, ended, sentence, place, act, planned
    ("ready_again", "Both hosts agree", -143, -141, "Both hosts agree, 3400 and 3400.", "", [], 2),
    ("fingerprint_before", "Write down production", -141, -139, "Production is written down.", "",
     [{"work": "failover.fingerprint_before"}], 6),
    ("walk_through", "Go", -139, -2, "operator2 said go.", "", [], 120),
    ("start_clock", "Start the clock", -2, 0, "The clock runs.", "", [{"work": "failover.start_clock"}], 1),
    ("poweroff_engine_vm", "Power off the engine VM", 0, 0.4, "The engine VM is off, seen from kvm02.", "host:7",
     [{"argv": ["hosted-engine", "--vm-poweroff"], "timeout": 60, "root": True}], 4),
    ("wait_engine_back", "HA starts the engine VM", 0.4, 154, "The health page of the engine is good.", "", [], 150),
    ("stop_clock", "Stop the clock", 154, 155, "The clock is stopped.", "", [{"work": "failover.stop_clock"}], 1),
    ("fingerprint_after", "Compare production with before", 155, 193, "Production stands as before.", "", [], 6),
    ("wait_scores_back", "Scores are whole again", 193, 738, "kvm01 and kvm02 have score 3400.", "", [], 560),
    ("closing_checks", "Nothing is left behind", 738, 775, "Nothing is left behind.", "", [], 3),
)  # fmt: skip


def steps(row: Run, stop: int = len(STEPS), state: str = "done") -> None:
    """All steps; from `stop` on (from 0) the first is in `state` and the rest never ran."""
    for index, (name, title, began, ended, sentence, place, act, planned) in enumerate(STEPS):
        ran, here = index < stop, index == stop
        step = RunStep.objects.create(
            run=row, position=index + 1, name=name, title=title, mutating=bool(act), place=place if ran or here else "",
            state="done" if ran else state if here else "waiting", sentence=sentence if ran or here else "",
            began=at(began) if ran or here else None, ended=at(ended) if ran or here else None, act=act if ran else [],
            no_undo="No undo: HA starts it." if place else "", expected_seconds=planned,
        )  # fmt: skip
        if place and ran:
            for number, text in enumerate(("VM powered off", HOSTILE), 1):
                RunLine.objects.create(
                    run=row, step=step, number=number, at=at(0.2), source="host", stream="out", text=text
                )
    RunLine.objects.create(run=row, number=9, at=at(1), source="portal", stream="note", text="the portal's own words")


def fingerprint(**more) -> dict:
    host = {"pk": 7, "status": "up", "local_flags": False, "boot": "b1", "paths": "64 of 64 good, 8 LUNs"}
    vms = {
        "HostedEngine": {"status": "up", "host": "kvm01", "engine": True, "luns": []},
        "oradb01": {"status": "up", "host": "kvm02", "engine": False, "luns": ["36000d3100366", "36000d3100367"]},
    }
    whole = {"global_maintenance": False, "engine_on": "kvm01", "hosts": {"kvm01": host, "kvm02": {**host, "pk": 8}}}
    return {**whole, "vms": vms, **more}


def moved(**more) -> dict:
    found = fingerprint(engine_on="kvm02", **more)
    found["vms"]["HostedEngine"]["host"] = "kvm02"
    return found


def bounds(low: float, high: float) -> dict:
    return {"seconds": (low + high) / 2, "error": (high - low) / 2, "low": low, "high": high}


def service(key: str = "engine", title: str = "The engine", back: float | None = 154.5, **more) -> dict:
    found = {
        "key": key, "title": title, "kind": "http", "address": "https://x/ovirt-engine/services/health", "words": "",
        "every": 0.5, "objective": 300.0, "why": "", "paused": 0.0, "longest": 0.6, "holes": [], "exact": True,
        "watched": [-100.0, 700.0], "outages": [], "detection": None, "recovery": None, "charged": None,
        "state": "steady",
    }  # fmt: skip
    if back is not None:
        found["state"] = "recovered"
        found["detection"] = bounds(0.0, 0.5)
        found["recovery"] = found["charged"] = bounds(back - 1, back)
        why = "connection refused"
        length = bounds(back - 1.5, back)
        found["outages"] = [{"after": 0.0, "first": 0.5, "last": back - 1, "back": back, "length": length, "why": why}]
    return {**found, **more}


def measured(*services: dict) -> dict:
    return {
        "asked": {},
        "version": 1,
        "rto": 154.0,
        "clock": {"began": T0.isoformat(), "source": "seconds since boot of the portal's machine", "boot": BOOT},
        "services": list(services),
        "pauses": [],
        "backup": {"name": "20261122T180003", "taken": at(-15000).isoformat(), "age": 15000.0},
        "own_view": [
            {"at": at(4).isoformat(), "seconds": 4.0, "who": "kvm01", "what": "kvm01 says EngineUnexpectedlyDown."}
        ],
    }


RTO = {"key": "rto", "title": "engine serves again", "kind": "rto", "service": "engine", "seconds": 300}
BANK = {"key": "bank", "title": "core banking answers", "kind": "rto", "service": "core banking", "seconds": 5}
RPO = {"key": "rpo", "title": "management plane", "kind": "rpo", "seconds": 86400}
VERDICTS = (
    {"key": "rto", "word": "met", "sentence": "The engine was back 2 min 34 s (± 0.5 s) after the injection; the"
     " objective is 5 min 0 s."},
    {"key": "bank", "word": "met", "sentence": "core banking never stopped answering; the objective is 5 s."},
    {"key": "rpo", "word": "met", "sentence": "The last proven backup was 4 h 10 min 0 s old at the injection."},
)  # fmt: skip


def drill(row: Run, **more) -> Drill:
    checks = [
        {"name": "scores", "title": "Scores above zero", "word": "go", "sentence": "3400 and 3400.", "fix": "",
         "evidence": ["kvm01 3400", "kvm02 3400"], "at": at(-160).timestamp(), "max_age": 60.0},
        {"name": "backup", "title": "Proven backup", "word": "unknown", "sentence": "Not looked at.", "fix": "Look.",
         "evidence": [], "at": at(-200).timestamp(), "max_age": 300.0},
    ]  # fmt: skip
    fields = {
        "title": "Engine failover drill",
        "scenario": "The host of the engine VM loses it without warning, in business hours.",
        "assumptions": "Both hosts are healthy before.",
        "objectives": [RTO, BANK, RPO],
        "people": [
            {"name": "operator1", "role": "Operator", "present": True},
            {"name": "operator2", "role": "Go, no-go", "present": True},
            {"name": "auditor1", "role": "Observer, internal audit", "present": None},
        ],
        "window_begins": at(-1000),
        "window_ends": at(9000),
        "requested_by": "operator1",
        "requested_at": at(-9000),
        "readiness": {"at": at(-160).isoformat(), "checks": checks, "depends": {}},
        "before": fingerprint(),
        "after": moved(),
        "measured": measured(service(), service("core banking", "core banking", None, objective=5.0)),
        "verdicts": list(VERDICTS),
        "clock_began": T0,
        "clock_began_mono": 5000.0,
        "clock_boot": BOOT,
        "clock_ended": at(155),
        "closed_at": at(780),
    }
    return Drill.objects.create(engine=engine(), run=row, plan=row.plan, **{**fields, **more})


def spans(row: Drill, *told: tuple[str, bool | None, float, float, str]) -> None:
    for name, up, began, last, why in told:
        Span.objects.create(
            drill=row, service=name, up=up, why=why, boot=BOOT, began_mono=5000 + began, last_mono=5000 + last,
            began=at(began), last=at(last),
        )  # fmt: skip


def met() -> Drill:
    """The engine is back in time, one question was answered, one act is on record, an earlier drill had an issue."""
    before = run("she_failover", "succeeded", "Done.", created=at(-900000), started=at(-800000), ended=at(-799000))
    issue = {"title": "kvm02 mail alert went to a former colleague", "severity": "low", "owner": "operator1",
             "due": "2026-11-09", "accepted_by": "", "link": ""}  # fmt: skip
    drill(before, requested_at=at(-900000), issues=[issue])
    row = run("she_failover", "succeeded", "The engine VM runs on kvm02; nothing is left behind.")
    steps(row)
    made = drill(row)
    spans(
        made,
        ("engine", True, -100, 0, ""),
        ("engine", False, 0.5, 153.5, "connection refused"),
        ("engine", True, 154.5, 700, ""),
        ("core banking", True, -100, 90, ""),
        ("core banking", None, 91, 96, "no way out of the portal"),
        ("core banking", True, 97, 700, ""),
    )
    Approval.objects.create(drill=made, hash=HASH, content={}, requested_by="operator1", by="approver1", at=at(-7000))
    Prompt.objects.create(
        drill=made, step="walk_through", question="Go or no-go?", asked_at=at(-139), answer="done", by="operator2",
        at=at(-3), seen="Both heartbeats are green.", attachment="ticket 4711",
    )  # fmt: skip
    evidence.append("drill.begun", "operator1", f"drill:{made.pk}", {"hash": HASH})
    evidence.append("run.ended", "portal", f"run:{row.pk}", {"status": "succeeded"})
    return made


def not_met() -> Drill:
    """The engine came back too late, production differs, glass was broken, an issue has no owner."""
    row = run("she_failover", "succeeded", "The engine VM runs on kvm02.")
    steps(row)
    late = {"key": "rto", "word": "not met", "sentence": "The engine was back 7 min 1 s (± 0.5 s) after the injection."}
    after = moved()
    after["vms"]["oradb01"]["luns"] = ["36000d3100366"]
    made = drill(
        row,
        measured=measured(service(back=421.5), service("core banking", "core banking", 30.5, objective=5.0)),
        verdicts=[late, {"key": "bank", "word": "not met", "sentence": "core banking was away 30 s."}],
        after=after,
        issues=[{"title": "LUN of oradb01 is gone", "severity": "critical", "owner": "", "due": ""}],
        signatures=[{"role": "operator", "name": "operator1", "at": at(900).isoformat(), "words": "As seen."}],
        window_begins=at(0),
        window_ends=at(500),
    )
    spans(
        made, ("engine", True, -10, 0, ""), ("engine", False, 0.5, 420.5, "timed out"), ("engine", True, 421.5, 700, "")
    )
    BreakGlass.objects.create(
        drill=made, reason="The window was moved by telephone.", asked_by="operator1", asked_at=at(-300),
        confirmed_by="approver1", confirmed_at=at(-200), until=at(3400),
    )  # fmt: skip
    return made


def aborted() -> Drill:
    """A person ended it before the injection; nothing was measured."""
    row = run("she_failover", "aborted", "operator2 aborted it: the window is needed.", abort_by="operator2",
              abort_reason="the window is needed")  # fmt: skip
    steps(row, stop=3, state="skipped")
    body = {"sentence": "operator2 ends the run.", "reason": "the window is needed"}
    evidence.append("run.abort_asked", "operator2", f"run:{row.pk}", body)
    return drill(row, measured={}, verdicts=[], after={}, clock_began=None, clock_began_mono=None, clock_ended=None)


def paper() -> Drill:
    """A tabletop: questions only."""
    row = run("tabletop", "succeeded", "The plan was talked through.", parameters={"questions": "Who decides?"})
    title = "Talk it through"
    RunStep.objects.create(run=row, position=1, name="walk_through", title=title, mutating=False, state="done",
                           began=at(0), ended=at(600), sentence="All questions are answered.")  # fmt: skip
    made = drill(
        row, title="Tabletop", objectives=[], verdicts=[], measured={}, before={}, after={}, readiness={},
        clock_began=None, clock_began_mono=None, clock_ended=None, announced=False,
    )  # fmt: skip
    for number, (answer, by) in enumerate((("done", "operator1"), ("not_done", "operator2"), ("", "")), 1):
        Prompt.objects.create(
            drill=made, step="walk_through", position=number, question=f"Question {number}?", asked_at=at(number),
            answer=answer, by=by, at=at(number + 60) if by else None, seen="It stands in the runbook." if by else "",
        )  # fmt: skip
    return made


def empty() -> Drill:
    """Everything that may be empty is empty."""
    row = run("she_failover", "errored", "", change="", parameters={}, started=None, ended=at(1))
    return Drill.objects.create(
        engine=engine(), run=row, plan="she_failover", title="Bare", requested_by="operator1", requested_at=at(-10),
        closed_at=at(2),
    )  # fmt: skip


def hostile() -> Drill:
    """Texts of people and hosts that would be markup."""
    row = run("she_failover", "failed", HOSTILE, change=HOSTILE[:80])
    steps(row, stop=5, state="failed")
    return drill(
        row, title=HOSTILE, scenario=HOSTILE, assumptions=HOSTILE,
        people=[{"name": HOSTILE, "role": HOSTILE, "present": False}],
        issues=[{"title": HOSTILE, "severity": "high", "owner": HOSTILE, "due": HOSTILE, "link": "javascript:3"}],
        measured=measured(service(title=HOSTILE)),
    )  # fmt: skip
