"""Drills, their issues and maintenance windows of bench.history."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.history import Year

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLANS = (
    ("she_failover", "Engine failover by power-off", 300.0),
    ("she_switchover", "Planned switch of the engine VM", 120.0),
    ("host_power_loss", "Loss of a host's power", 420.0),
    ("engine_service_failure", "Failure of the engine service", 180.0),
    ("fabric_path_loss", "Loss of one fabric's paths", 60.0),
)
FOUND = (
    ("kvm02's mail alert went to a former colleague.", "medium"),
    ("The engine VM took 40 s longer to boot than the last time.", "low"),
    ("One LUN came back with three of four paths; nobody was told.", "high"),
    ("The runbook names a console that is gone.", "medium"),
    ("The second operator had no key for the hosts.", "high"),
)
WHYS = (
    "Errata of the hosts",
    "Firmware of the HBAs",
    "New multipath configuration",
    "Memory exchanged",
    "Kernel of the month",
)


def drills(year: Year) -> None:
    """Writes them."""
    from failover.models import Drill, Issue, Schedule

    rows = [
        Schedule.objects.create(
            engine=year.engine, plan="she_failover", overdue_days=95, decided_to=year.ends, cron="0 22 1 */2 *"
        ),
        Schedule.objects.create(engine=year.engine, plan="she_switchover", overdue_days=60, decided_to=year.ends),
    ]
    for row in rows:
        year.promise("drill", row.pk, row.overdue_days * DAY, row.plan)
    gap = (year.ends - year.begins - 2 * DAY) / max(1, year.size.drills)
    for number in range(year.size.drills):
        at = (year.begins + DAY + gap * number).replace(hour=19, minute=0, second=0, microsecond=0)
        _drill(year, number, at + timedelta(minutes=year.random.randrange(40)))
    for issue in Issue.objects.filter(state="closed", drill__engine=year.engine).select_related("drill"):
        later = Drill.objects.filter(engine=year.engine, requested_at__gt=issue.raised_at).order_by("requested_at")
        Issue.objects.filter(pk=issue.pk).update(retest=later.first())


def _drill(year: Year, number: int, at: datetime) -> None:
    from failover.models import Drill

    plan, title, limit = PLANS[number % len(PLANS)]
    bad = number % 7 == 5
    away = limit * (1.2 if bad else 0.35 + year.random.random() * 0.4)
    run = _run(year, plan, title, at, f"CHG{34000 + number:07d}")
    aims = [
        {"key": "rto", "title": "engine serves again", "kind": "rto", "service": "engine", "seconds": limit},
        {"key": "rpo", "title": "management data", "kind": "rpo", "service": "", "seconds": 86_400},
    ]
    said = f"The engine was back {away:.1f} s after the injection; the objective is {limit:.0f} s."
    bounds = {"low": away - 0.5, "high": away + 0.5, "seconds": away, "error": 0.5}
    service = {
        "key": "engine",
        "title": "The engine",
        "kind": "http",
        "every": 1.0,
        "objective": limit,
        "state": "recovered",
        "charged": bounds,
        "recovery": bounds,
        "outages": [{"first": 1.0, "back": away, "length": bounds, "why": "refused"}],
    }
    drill = Drill.objects.create(
        engine=year.engine,
        run=run,
        plan=plan,
        title=f"{title} of {year.engine.name}",
        requested_by="operator1",
        requested_at=at - 3 * DAY,
        window_begins=at - HOUR,
        window_ends=at + 3 * HOUR,
        objectives=aims,
        scenario="A host is lost at the peak of the evening's batch." if number % 4 else "",
        assumptions="The other host has room for what moves." if number % 4 else "",
        people=[
            {"name": "operator1", "role": "operator", "present": True},
            {"name": "auditor1", "role": "observer", "present": True},
        ],
        clock_began=at + HOUR / 6,
        clock_ended=at + HOUR / 6 + timedelta(seconds=away),
        clock_boot="b1",
        closed_at=at + HOUR,
        verdicts=[
            {"key": "rto", "word": "not met" if bad else "met", "sentence": said},
            {"key": "rpo", "word": "met", "sentence": "The last proven backup was 5 h old at the injection."},
        ],
        measured={
            "services": [service],
            "clock": {"source": "monotonic clock"},
            "pauses": [],
            "backup": {"name": f"{at:%Y%m%d}T120000", "age": 18_000.0},
        },
        signatures=[
            {"role": role, "name": name, "at": (at + DAY).isoformat(), "words": ""}
            for role, name in (("operator", "operator1"), ("reviewer", "approver1"))
        ],
    )
    if number % 3 == 0:
        _issue(year, drill, number, at)


def _run(year: Year, plan: str, title: str, at: datetime, change: str) -> Any:
    from portal.runs.models import Run, RunStep

    target, name = f"engine:{year.engine.pk}", year.engine.name
    run = Run.objects.create(
        ref=uuid.UUID(int=year.random.getrandbits(128)),
        plan=plan,
        plan_version=3,
        title=title,
        digest=f"{year.random.getrandbits(256):064x}",
        target=target,
        target_name=name,
        requested_by="operator1",
        change=change,
        approved_by="approver1",
        approved_at=at - DAY,
        status="succeeded",
        sentence="All steps are done.",
        started=at,
        ended=at + timedelta(minutes=22),
        parameters={"hosts": ",".join(f"{one.pk}:{one.name}:{one.he_host_id}" for one in year.hosts[:2])},
    )
    RunStep.objects.bulk_create(
        RunStep(
            run=run,
            position=n,
            name=f"step{n}",
            title=words,
            mutating=n == 3,
            state="done",
            phase="settled",
            began=at + timedelta(minutes=3 * n),
            ended=at + timedelta(minutes=3 * n + 2),
            sentence=f"{words}: done.",
        )
        for n, words in enumerate(
            ("Both hosts agree", "Fingerprint of production", title, "Engine is back", "Nothing is left behind"), 1
        )
    )
    return run


def _issue(year: Year, drill: Any, number: int, at: datetime) -> None:
    from failover.models import Issue

    words, severity = FOUND[number % len(FOUND)]
    due = (at + 30 * DAY).date()
    fields: dict[str, Any] = {}
    if number % 6 == 0:
        fields = {
            "state": "closed",
            "closed_by": "approver1",
            "closed_at": at + 25 * DAY,
            "closed_why": "Shown by the next drill.",
        }
    elif number % 9 == 3:
        fields = {
            "state": "accepted",
            "risk_asked_by": "operator1",
            "risk_why": "The console is replaced next year.",
            "risk_until": (year.ends + 90 * DAY).date(),
            "risk_accepted_by": "approver1",
            "risk_accepted_at": at + 5 * DAY,
        }
    Issue.objects.create(
        drill=drill,
        title=words,
        severity=severity,
        owner="operator1" if number % 2 else "",
        due=due,
        raised_by="operator1",
        raised_at=at + HOUR,
        changed_at=at + HOUR,
        **fields,
    )


def windows(year: Year) -> None:
    """Writes them."""
    from failover.models import Window

    for number, at in enumerate(year.moments(year.size.windows)):
        change = f"CHG{50000 + number:07d}" if number % 9 else ""
        long, late = timedelta(minutes=25 + year.random.randrange(120)), number % 11 == 7
        scope = ("global", "local", "host")[number % 3]
        run = _run(year, "maintenance_enter", "Enter maintenance", at, change)
        Window.objects.create(
            engine=year.engine,
            scope=scope,
            host=None if scope == "global" else year.hosts[number % 2],
            state="ended",
            reason=WHYS[number % len(WHYS)],
            change=change,
            owner="operator1",
            asked_at=at,
            deadline=at + long + (-HOUR / 4 if late else HOUR),
            entered_at=at + timedelta(minutes=1),
            ended_at=at + long,
            overdue_at=at + long - HOUR / 4 if late else None,
            enter_run=run,
        )
