"""Plain rows of a drill, and its report's page, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from failover.reports import given
from failover.reports.content import Report, Seal
from failover.reports.page import Page, page

T0 = datetime(2026, 11, 22, 19, 14, 3, tzinfo=UTC)
SEAL = Seal(2, "ab" * 32, 41872, "7d20" * 16, T0 + timedelta(seconds=1024), "c29e" * 16, 41, "Africa/Nairobi")
RTO = {"key": "rto", "title": "engine serves again", "kind": "rto", "seconds": 300}
MET = {"key": "rto", "word": "met", "sentence": "The engine was back in time."}


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def drill(**more):
    return given.Drill(
        14, "Engine failover", "she_failover", "olvm", "olvm.bank.example", "PROD", "operator1", at(-9000), **more
    )


def run(**more):
    fields = {"status": "succeeded", "sentence": "It is over.", "started": at(-100), "ended": at(700)}
    return given.Run(
        9, "ref", 7, "4be1" * 16, {"hosts": "7:kvm01:1,8:kvm02:2"}, requested_by="operator1", **{**fields, **more}
    )


def bounds(low, high):
    return {"low": low, "high": high, "seconds": (low + high) / 2, "error": (high - low) / 2}


def service(state="recovered", **more):
    found = {"key": "engine", "title": "The engine", "kind": "http", "every": 1, "objective": 300.0, "state": state}
    if state == "recovered":
        found["recovery"] = found["charged"] = bounds(153, 154)
        found["outages"] = [{"first": 1.0, "back": 154.0, "length": bounds(152, 154), "why": "refused"}]
    return {**found, **more}


def whole(**more) -> given.Given:
    """A drill with its engine back after 154 s."""
    measured = {"services": [service()], "clock": {"source": "monotonic clock"}, "pauses": []}
    fields = {"objectives": [RTO], "verdicts": [MET], "clock_began": T0, "clock_boot": "b1", "measured": measured}
    spans = [given.Span("engine", True, -50, 0), given.Span("engine", False, 1, 153, "refused"),
             given.Span("engine", True, 154, 700)]  # fmt: skip
    return given.Given(**{"drill": drill(**fields), "run": run(), "spans": spans, **more})


def shown(report: Report) -> Page:
    return page(report, SEAL)


def section(report: Report, title: str):
    return next(one for one in shown(report).sections if one.title.startswith(title))


def row(told, first: str):
    return next(row for row in told.rows if row[0].text.startswith(first))
