"""Issues that drills found: noted, kept, fixed, accepted by a second person, tested again, closed. Each act is a record
in the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from backups.services.clock import now as database_now
from failover.models import Drill, Issue
from inventory.services.signal import announce
from portal.access.services.people import may
from portal.evidence import services as evidence
from portal.runs.services import Refused
from portal.runs.services.refused import recorded
from portal.runs.states import ENDED

S = Issue.State
LONG = 500  # characters of what people say
YEARS = range(2000, 2200)  # of the days that people name
FIELDS = ("title", "severity", "owner", "due", "link")


def note(by: str, wish: Mapping[str, str], drill: Drill | None = None) -> Issue:
    """A new issue: title, severity, owner, due ("2026-12-01" or ""), link. Raises Refused."""
    try:
        with transaction.atomic():
            return noted(drill, by, _checked(wish), database_now())
    except Refused as refusal:
        raise recorded(refusal, by, f"drill:{drill.pk}" if drill else "issues", {"wish": "note an issue"}) from None


def noted(drill: Drill | None, by: str, row: Mapping[str, Any], now: datetime) -> Issue:
    """The row of an issue whose words were checked. Inside the caller's transaction."""
    fields = {name: row.get(name) or "" for name in FIELDS if name != "due"}
    due = row.get("due")
    made = Issue.objects.create(
        drill=drill,
        raised_by=by,
        raised_at=now,
        changed_at=now,
        due=date.fromisoformat(due) if isinstance(due, str) and due else due or None,
        **fields,
    )
    _told(made, "issue.noted", by, {**fields, "due": due or "", "drill": drill.pk if drill else None})
    return made


def _checked(wish: Mapping[str, str]) -> dict[str, Any]:
    title = " ".join(wish.get("title", "").split())[:LONG]
    if not title:
        raise Refused("parameters", "Say in one sentence what is wrong.")
    if wish.get("severity") not in Issue.SEVERITIES:
        raise Refused("parameters", f"A severity is one of {', '.join(Issue.SEVERITIES)}.")
    return {
        "title": title,
        "severity": wish["severity"],
        "owner": wish.get("owner", "").strip()[:150],
        "due": day(wish.get("due", "")),
        "link": wish.get("link", "").strip()[:300],
    }


def day(text: str) -> str:
    """A date as 2026-12-01, or "". Raises Refused."""
    try:
        found = date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise Refused("parameters", f"{text[:40]!r} is no date: write it as 2026-12-01.") from None
    if found is not None and found.year not in YEARS:
        raise Refused("parameters", f"{found} is no day to keep an issue by: it is from {YEARS[0]} to {YEARS[-1]}.")
    return found.isoformat() if found else ""


@contextmanager
def _keeping(pk: int, by: str, wish: str) -> Iterator[tuple[Issue, datetime]]:
    """A transaction that holds the issue's row; a refusal inside it is recorded after it. Raises Issue.DoesNotExist."""
    try:
        with transaction.atomic():
            row = Issue.objects.select_for_update(of=("self",)).select_related("drill", "retest__run").get(pk=pk)
            yield row, database_now()
    except Refused as refusal:
        raise recorded(refusal, by, f"issue:{pk}", {"wish": wish}) from None


def _told(row: Issue, kind: str, by: str, body: Mapping[str, Any]) -> None:
    evidence.append(kind, by, f"issue:{row.pk}", body)
    announce("run")


def _saved(row: Issue, now: datetime, **fields: Any) -> None:
    for name, value in {**fields, "changed_at": now}.items():
        setattr(row, name, value)
    row.save(update_fields=[*fields, "changed_at"])


def _unclosed(row: Issue) -> None:
    if row.state == S.CLOSED:
        raise Refused("state", f"{row.ident} is closed: reopen it first.")


def edit(pk: int, by: str, wish: Mapping[str, str], based_on: str = "") -> Issue:
    """Title, severity, owner, due, link. based_on: changed_at as it was read; "" takes the row as it is. Raises
    Refused."""
    with _keeping(pk, by, "change the issue") as (row, now):
        _unclosed(row)
        if based_on and not _same(based_on, row.changed_at):
            raise Refused("changed", f"{row.ident} was changed since it was read: read it again.")
        fields = _checked({**_present(row), **wish})
        before = _present(row)
        _saved(row, now, **{**fields, "due": date.fromisoformat(fields["due"]) if fields["due"] else None})
        changed = {name: {"from": before[name], "to": fields[name]} for name in FIELDS if before[name] != fields[name]}
        if changed:
            _told(row, "issue.changed", by, changed)
    return row


def _same(text: str, at: datetime) -> bool:
    """Whether a moment that a page or the API wrote is this one; pages write milliseconds."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return False
    return told.tzinfo is not None and abs((told - at).total_seconds()) < 0.001


def _present(row: Issue) -> dict[str, str]:
    return {
        "title": row.title,
        "severity": row.severity,
        "owner": row.owner,
        "due": row.due.isoformat() if row.due else "",
        "link": row.link,
    }


def fix(pk: int, by: str, words: str) -> Issue:
    """Says that it is put right, and how. It stays open for a retest. Raises Refused."""
    words = _said(words)
    with _keeping(pk, by, "say that it is fixed") as (row, now):
        if row.state not in (S.OPEN, S.ACCEPTED):
            raise Refused("state", f"{row.ident} is {row.get_state_display()}.")
        if not words:
            raise Refused("parameters", "Say what was put right: the report quotes it.")
        _saved(row, now, state=S.FIXED, fixed_by=by, fixed_words=words)
        _told(row, "issue.fixed", by, {"words": words})
    return row


def ask_risk(pk: int, by: str, why: str, until: str) -> Issue:
    """Asks that the risk be accepted, until a day. Another person accepts it. Raises Refused."""
    why = _said(why)
    with _keeping(pk, by, "ask to accept the risk") as (row, now):
        _unclosed(row)
        if not why:
            raise Refused("parameters", "Say why the risk can be borne: who accepts it reads it, and the report.")
        end = day(until)
        if not end or date.fromisoformat(end) <= now.date():
            raise Refused("parameters", "A risk is accepted until a day that lies ahead: write it as 2026-12-01.")
        _saved(
            row, now, risk_asked_by=by, risk_why=why, risk_until=date.fromisoformat(end),
            risk_accepted_by="", risk_accepted_at=None, state=S.OPEN if row.state == S.ACCEPTED else row.state,
        )  # fmt: skip
        _told(row, "issue.risk_asked", by, {"why": why, "until": end})
    return row


def accept_risk(pk: int, by: str, until: str = "") -> Issue:
    """A second person accepts the risk that was asked for. until: the day that the person was shown; where another one
    stands now, it is refused. Raises Refused."""
    with _keeping(pk, by, "accept the risk") as (row, now):
        _unclosed(row)
        if not row.risk_asked_by or row.risk_accepted_by:
            raise Refused("state", f"Nobody has asked to accept the risk of {row.ident}, or it is accepted already.")
        if row.risk_asked_by.casefold() == by.casefold():
            raise Refused("four_eyes", f"{by} asked for it: another person accepts the risk.")
        if until and row.risk_until is not None and until != row.risk_until.isoformat():
            raise Refused("changed", f"The risk of {row.ident} is now to be accepted until {row.risk_until}.")
        _second(by)
        _saved(row, now, state=S.ACCEPTED, risk_accepted_by=by, risk_accepted_at=now)
        told = {"why": row.risk_why, "until": str(row.risk_until), "asked_by": row.risk_asked_by}
        _told(row, "issue.risk_accepted", by, told)
    return row


def _second(by: str) -> None:
    person = User.objects.filter(username=by, is_active=True).first()
    if person is None or not may(person, "issue.accept"):
        raise Refused("four_eyes", f"{by} is nobody who may accept a risk, so this is no second pair of eyes.")


def link_retest(pk: int, by: str, drill_pk: int) -> Issue:
    """Names the drill that tests it again: one of the same engine, asked for after the issue was raised. Raises
    Refused."""
    with _keeping(pk, by, "link a retest") as (row, now):
        _unclosed(row)
        drill = Drill.objects.filter(pk=drill_pk).select_related("run").first()
        if drill is None:
            raise Refused("parameters", f"There is no drill {drill_pk}.")
        if row.drill is not None and drill.engine_id != row.drill.engine_id:
            raise Refused("parameters", f"{drill.title} is of another engine than the drill that found {row.ident}.")
        if drill.requested_at <= row.raised_at or drill.pk == row.drill_id:
            raise Refused("parameters", f"{drill.title} was asked for before {row.ident} was raised: it tests nothing.")
        _saved(row, now, retest=drill)
        _told(row, "issue.retest", by, {"drill": drill.pk, "title": drill.title})
    return row


def close(pk: int, by: str, why: str) -> Issue:
    """Ends it. An issue of a drill is closed with a retest that ended, or with the reason why none is needed. Raises
    Refused."""
    why = _said(why)
    with _keeping(pk, by, "close the issue") as (row, now):
        _unclosed(row)
        if not why:
            raise Refused("parameters", "Say why it is closed: what shows that it is put right?")
        if row.retest is not None and (row.retest.run is None or row.retest.run.status not in ENDED):
            raise Refused("state", f"{row.retest.title}, which tests it again, has not ended.")
        _saved(row, now, state=S.CLOSED, closed_by=by, closed_at=now, closed_why=why)
        _told(row, "issue.closed", by, {"why": why, "retest": row.retest_id})
    return row


def reopen(pk: int, by: str, why: str) -> Issue:
    """Opens a closed, fixed or accepted issue again. Raises Refused."""
    why = _said(why)
    with _keeping(pk, by, "reopen the issue") as (row, now):
        if row.state == S.OPEN:
            raise Refused("state", f"{row.ident} is open.")
        if not why:
            raise Refused("parameters", "Say why it is opened again.")
        _saved(
            row, now, state=S.OPEN, closed_by="", closed_at=None, closed_why="",
            risk_asked_by="", risk_accepted_by="", risk_accepted_at=None, risk_why="", risk_until=None,
        )  # fmt: skip
        _told(row, "issue.reopened", by, {"why": why})
    return row


def expire_risks(now: datetime) -> int:
    """Accepted risks whose day has passed are open again; how many."""
    keys = Issue.objects.filter(state=S.ACCEPTED, risk_until__lt=now.date()).values_list("pk", flat=True)
    for pk in list(keys):
        reopen(pk, "portal", "The day until which its risk was accepted has passed.")
    return len(keys)


def _said(text: str) -> str:
    return " ".join(text.split())[:LONG]
