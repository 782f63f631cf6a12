"""Plain rows of a month, and its report, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from failover.reports.period import clauses, content, given, span
from failover.reports.period.build import build
from failover.reports.period.page import Page, page

ZONE = "Africa/Nairobi"
MONTH = span.holding(span.Kind.MONTHLY, ZONE, datetime(2026, 11, 15, tzinfo=UTC))
BEFORE = span.before(MONTH)
T0 = MONTH.begins
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SEAL = content.Seal(2, "ab" * 32, 41872, "7d20" * 16, MONTH.ends + 6 * HOUR, "c29e" * 16, "c2ln", "en-GB")
MAP = clauses.parse((Path(clauses.__file__).parent / "clauses.toml").read_text("utf-8"))
SCOPE = content.Scope("estate", "estate", ("olvm",), ("PROD",))
EVIDENCE = content.Evidence(100, 900, 801, 3, 12)


def aim(word="met", measured=151_200, **more):
    fields = {"title": "engine serves again", "kind": "rto", "limit": 300_000, "error": 500, "sentence": "It was back."}
    return content.Objective(**{**fields, "word": word, "measured": measured, **more})


def drill(day=3, state="ok", **more):
    at = T0 + day * DAY
    fields = {
        "ident": f"DR-2026-{day:03d}",
        "pk": day,
        "title": "Engine failover",
        "plan": "she_failover",
        "kind": "she_failover",
        "engine": "olvm",
        "site": "PROD",
        "hosts": ("kvm01", "kvm02"),
        "began": at,
        "ended": at + HOUR,
        "announced": True,
        "verdict": content.Verdict(state, "objectives met" if state == "ok" else "a step failed"),
        "sentence": "Over.",
        "scenario": "A host burns.",
        "assumptions": "The other one does not.",
        "requested_by": "op",
        "approved_by": "ap",
        "change": "CHG1",
        "people": ("op", "ap"),
        "roles": ("operator", "reviewer", "second line"),
        "objectives": (aim(),),
        "deviations": (),
        "steps": 9,
        "ignored": 0,
        "proven": state == "ok",
        "untouched": True,
        "lacking": (),
    }
    return content.Drill(**{**fields, **more})


def issue(pk=1, **more):
    fields = {
        "ident": f"IS-{pk:03d}",
        "pk": pk,
        "title": "Console gone.",
        "severity": "high",
        "state": "open",
        "owner": "op",
        "due": "2026-11-20",
        "late": 0,
        "drill": "DR-2026-003",
        "raised": T0,
        "closed": None,
        "accepted_by": "",
        "accepted_until": "",
        "accepted_why": "",
        "retest": "DR-2026-009",
        "retest_words": "objectives met",
        "retest_ok": True,
    }
    return content.Issue(**{**fields, **more})


def turn(subject="lun1", at=T0, outcome="ok", check="redundancy", sentence=None):
    return given.Turn(subject, "olvm", check, at, outcome, f"{subject} is {outcome}." if sentence is None else sentence)


def service(**more):
    fields = {
        "name": "Engine",
        "engine": "olvm",
        "begins": MONTH.begins,
        "ends": MONTH.ends,
        "objective": 999_900,
        "ratio": 999_950,
        "planned": 0,
        "unplanned": 130_000,
        "unwatched": 0,
        "unknown": 0,
        "budget": 259_200,
        "whole": 1,
        "lost": 0,
        "unsure": 0,
        "outages": (content.Outage(T0 + DAY, T0 + DAY + timedelta(seconds=130), False, "refused", 130, False),),
        "blind": (),
    }
    told = {**fields, **more}
    away = sum(told[name] for name in ("planned", "unplanned", "unwatched", "unknown"))
    up = round((told["ends"] - told["begins"]).total_seconds() * 1000) - away
    return content.Service(**{"up": up, **told})


def window(**more):
    fields = {
        "what": "Global maintenance of olvm",
        "engine": "olvm",
        "owner": "op",
        "reason": "Errata",
        "change": "CHG2",
        "entered": T0 + DAY,
        "ended": T0 + DAY + HOUR,
        "deadline": None,
        "seconds": 3600,
        "overdue": False,
        "foreign": False,
    }
    return content.Window(**{**fields, **more})


def rehearsal(day=1, outcome="proven", **more):
    at = T0 + day * DAY
    fields = {"engine": "olvm", "ident": f"b{day}", "taken": at - HOUR, "at": at, "seconds": 180, "compared": True}
    return given.Rehearsal(**{**fields, "outcome": outcome, "sentence": "Its words.", **more})


def promise(kind="rpo", limit=36 * HOUR, since=None, **more):
    fields = {"key": f"{kind}:1", "engine": "olvm", "since": since or BEFORE.begins - 90 * DAY, "first": True}
    return given.Promise(kind=kind, limit=limit, **{**fields, **more})


def proof(what="failover", last=None, allowed=95, days=None, late=True, overdue=0, assumed=0):
    return content.Proof(what, "olvm", last, allowed, days, late, overdue, assumed)


def slice_(**more) -> given.Slice:
    """A month in which all is well."""
    proofs = tuple(rehearsal(day) for day in range(-1, 30))
    fields = {
        "span": MONTH,
        "since": BEFORE.begins - 90 * DAY,
        "drills": (drill(),),
        "rehearsals": proofs,
        "backups": tuple(given.Backup("olvm", f"b{day}", T0 + day * DAY - HOUR, "DONE") for day in range(1, 30)),
        "luns_began": (turn(at=T0 - DAY),),
        "tuning_began": (turn("oradb01", T0 - DAY, check="tuning_guest"),),
        "services": (service(),),
        "windows": (window(),),
        "changes": (content.Change("CHG1", "Failover", "olvm", "op", T0 + DAY, None, "succeeded"),),
    }
    return given.Slice(**{**fields, **more})


def whole(now: given.Slice | None = None, **more) -> given.Given:
    """A report of an estate in order."""
    fields = {
        "ident": "RP-001-20261101",
        "title": "Monthly",
        "scope": SCOPE,
        "now": now or slice_(),
        "evidence": EVIDENCE,
        "before": slice_(span=BEFORE),
        "issues": (issue(),),
        "promises": (promise(), promise("drill", 95 * DAY, plan="she_failover", proves=True)),
        "proven": tuple(given.Proven("olvm", "she_failover", True, MONTH.ends - days * DAY) for days in (60, 20)),
        "distribution": ("role auditor",),
        "names": {"lun1": "ora_data01"},
    }
    return given.Given(**{**fields, **more})


def report(now: given.Slice | None = None, **more) -> content.Report:
    """proofs: in place of those that the rows give, for what only shows them."""
    proofs = more.pop("proofs", None)
    made = build(whole(now, **more), MAP)
    return made if proofs is None else replace(made, proofs=proofs)


def shown(of: content.Report, **seal) -> Page:
    return page(of, replace(SEAL, **seal))


def section(of: Page, title: str):
    return next(one for one in of.sections if one.title == title)


def words(of: Page, title: str) -> str:
    """Everything that a section says."""
    one = section(of, title)
    tables = [*one.tables, *(table for item in one.items for table in item.tables)]
    cells = [cell for table in tables for row in table.rows for cell in row]
    facts = [cell for _, cell in one.facts] + [cell for item in one.items for _, cell in item.facts]
    none = [table.none for table in tables if not table.rows]
    return "\n".join([*(f"{cell.text} {cell.more}" for cell in (*facts, *cells)), *none, one.note, *one.gaps])
