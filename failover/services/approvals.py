"""Four eyes: one person asks for a drill, another one agrees to exactly that, and any altered byte voids it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from backups.services.clock import now as database_now
from failover.catalog.binding import Bound, Changed, differences, hash_of, steps_digest
from failover.models import Approval, Drill
from inventory.services.signal import announce
from inventory.templatetags.holdfast import full
from portal.access.services import may
from portal.evidence import services as evidence
from portal.evidence.models import Record
from portal.runs.models import Run
from portal.runs.registry import UnknownPlan, plan_named
from portal.runs.services import Refused, abort
from portal.runs.services.refused import recorded

LONGEST = 500  # characters of a reason
AWAITING, APPROVED, REFUSED, EXPIRED, VOID = "awaiting", "approved", "refused", "expired", "void"
NOT_NEEDED = "not_needed"
WAITS = (Run.Status.DRAFT, Run.Status.AWAITING_APPROVAL)


@dataclass(frozen=True)
class Standing:
    """How a drill's approval stands. state: awaiting | approved | refused | expired | void |
    not_needed. changed: what is not as it
    was approved."""

    state: str
    sentence: str
    approval: Approval | None = None
    changed: tuple[Changed, ...] = ()


def subject(drill: Drill) -> str:
    """How the evidence names a drill."""
    return f"drill:{drill.pk}"


def run_of(drill: Drill) -> Run:
    """The drill's run. Raises Refused when it has none."""
    if drill.run is None:
        raise Refused("state", f"{drill.title} has no run, so there is nothing to agree to. Request it anew.")
    return drill.run


def content(drill: Drill) -> dict[str, Any]:
    """What would be agreed to now: the frozen run, the plan as it is installed, the change and the window. The hash of
    a plan that is not installed any more is "". Raises Refused without a run."""
    run = run_of(drill)
    try:
        steps = steps_digest(plan_named(run.plan, run.plan_version), run.parameters, run.target)
    except UnknownPlan:
        steps = ""
    return Bound(
        run.plan,
        run.plan_version,
        steps,
        run.parameters,
        run.target,
        run.change,
        drill.window_begins,
        drill.window_ends,
        drill.objectives,
        str(run.change_asked.get("system", "")),
        str(run.change_asked.get("sys_id", "")),
        tuple(run.change_asked.get("ci", ())),
    ).content()


def standing(drill: Drill, now: datetime) -> Standing:
    """Whether somebody has agreed, and to what is still so."""
    if not needed(drill):
        return Standing(NOT_NEEDED, "It changes nothing, so no second person has to approve it.")
    last = drill.approvals.first()
    if last is not None and last.refused:
        return Standing(REFUSED, f"{last.by} refused it: {last.why}", last)
    if last is not None and last.voided_at is not None:
        return Standing(VOID, last.why, last)
    if last is None:
        return _none(drill, now)
    changed = tuple(differences(last.content, content(drill)))
    if changed or last.hash != hash_of(last.content):
        told = " ".join(str(each) for each in changed) or "The stored approval itself was altered."
        return Standing(VOID, f"{told} {last.by} approved something else, so the approval is void.", last, changed)
    if wrong := _forged(drill, last):
        return Standing(VOID, wrong, last)
    if drill.run is not None and drill.run.status in WAITS and _over(drill, now):
        return Standing(EXPIRED, f"{_over(drill, now)} Request the drill anew.", last)
    return Standing(APPROVED, f"{last.by} approved it at {full(last.at)}, same hash.", last)


def needed(drill: Drill) -> bool:
    """Whether the drill's plan wants a second person; one that is not installed any more does."""
    try:
        run = drill.run
        return (plan_named(run.plan, run.plan_version) if run else plan_named(drill.plan)).approval
    except UnknownPlan:
        return True


def _none(drill: Drill, now: datetime) -> Standing:
    if over := _over(drill, now):
        return Standing(EXPIRED, f"{over} Nobody has approved it. Request the drill anew.")
    return Standing(AWAITING, f"{drill.requested_by} asked for it. Another person approves it.")


def _over(drill: Drill, now: datetime) -> str:
    if drill.window_ends is None or now < drill.window_ends:
        return ""
    return f"The window ended at {full(drill.window_ends)}."


def _forged(drill: Drill, approval: Approval) -> str:
    """An approval counts only with its record, so one that was written around this service does not count."""
    if approval.by in (drill.requested_by, run_of(drill).requested_by):
        return f"{approval.by} both asked for it and approved it: another person approves."
    said = Record.objects.filter(subject=subject(drill), kind="drill.approved", actor=approval.by)
    if not any(row.body.get("hash") == approval.hash for row in said):
        return f"The evidence holds no record of the approval by {approval.by}, so it does not count."
    return ""


@contextmanager
def deciding(pk: int, by: str, wish: str) -> Iterator[tuple[Drill, datetime]]:
    """A transaction that holds the drill's row; a refusal inside it is recorded after it."""
    try:
        with transaction.atomic():
            list(Run.objects.select_for_update().filter(drill=pk))  # first, as portal.runs does: no deadlock
            row = Drill.objects.select_for_update(of=("self",)).select_related("run", "engine").get(pk=pk)
            yield row, database_now()
    except Refused as refusal:
        raise recorded(refusal, by, f"drill:{pk}", {"wish": wish}) from None


def told(drill: Drill, kind: str, by: str, body: Mapping[str, Any]) -> None:
    """One record about the drill, and the news of it on commit."""
    evidence.append(kind, by, subject(drill), body)
    announce(f"run:{drill.run_id}" if drill.run_id else "run")


def approve(pk: int, by: str, shown: str, shown_content: Mapping[str, Any] | None = None) -> Approval:
    """A second person agrees. by: an account that may approve. shown: the hash that the person was shown;
    shown_content: what it was of, so that a difference can be named. Nothing begins by it. Raises Refused."""
    with deciding(pk, by, "approve") as (drill, now):
        found = content(drill)
        if shown != hash_of(found):
            raise Refused("changed", _difference(shown, shown_content, found))
        return _agreed(drill, by, found, now)


def _difference(shown: str, before: Mapping[str, Any] | None, found: Mapping[str, Any]) -> str:
    known = before if before is not None and hash_of(before) == shown else None
    said = [str(each) for each in differences(known, found)] if known is not None else []
    words = "What was shown is not what the drill is now, so nothing was approved."
    return " ".join([words, *said, "Read it again."])


def _agreed(drill: Drill, by: str, found: dict[str, Any], now: datetime) -> Approval:
    run = run_of(drill)
    _second(drill, by)
    if run.status not in WAITS:
        raise Refused("state", f"{drill.title} is {run.status}: there is nothing to approve.", run=run)
    now_is = standing(drill, now)
    if now_is.state not in (AWAITING, VOID):
        raise Refused("state", f"{drill.title} is {now_is.state}: {now_is.sentence}", run=run)
    if over := _over(drill, now):
        raise Refused("window", f"{over} Request the drill anew.", run=run)
    void(drill, f"{by} approved it anew.", now)
    row = Approval.objects.create(
        drill=drill, hash=hash_of(found), content=found, requested_by=drill.requested_by, by=by, at=now
    )
    told(drill, "drill.approved", by, {"hash": row.hash, "content": found, "requested_by": drill.requested_by})
    return row


def _second(drill: Drill, by: str) -> None:
    """Raises Refused unless `by` is another person, and one who may approve."""
    asked = {name.casefold() for name in (drill.requested_by, run_of(drill).requested_by)}
    if by.casefold() in asked:
        raise Refused("four_eyes", f"{by} asked for {drill.title}: another person approves it.", run=drill.run)
    person = User.objects.filter(username=by, is_active=True).first()
    if person is None or not may(person, "run.approve"):
        raise Refused("four_eyes", f"{by} is nobody who may approve a run, so this is no second pair of eyes.")


def void(drill: Drill, why: str, now: datetime) -> None:
    """Ends the approval that holds, when there is one."""
    if Approval.objects.filter(drill=drill, voided_at=None).update(voided_at=now, why=why[:LONGEST]):
        told(drill, "drill.approval_void", "portal", {"why": why[:LONGEST]})


def refuse(pk: int, by: str, why: str) -> None:
    """A second person says no: the drill ends before it began. Raises Refused."""
    why = " ".join(why.split())[:LONGEST]
    with deciding(pk, by, "refuse") as (drill, now):
        _second(drill, by)
        if run_of(drill).status not in WAITS:
            raise Refused("state", f"{drill.title} is {run_of(drill).status}: it can be aborted, not refused.")
        if not why:
            raise Refused("parameters", "Say why it is refused: the person who asked reads it.")
        void(drill, f"{by} refused it.", now)
        found = content(drill)
        Approval.objects.create(
            drill=drill, hash=hash_of(found), content=found, requested_by=drill.requested_by, by=by, at=now,
            voided_at=now, why=why, refused=True,
        )  # fmt: skip
        told(drill, "drill.refused", by, {"hash": hash_of(found), "why": why})
        abort(run_of(drill).pk, by, f"refused: {why}")


def consent(run: Run, by: str) -> str:
    """What portal.runs asks before it lets an awaiting run go (settings.HOLDFAST_CONSENTS): "" or why not. A drill's
    run goes only by failover.services.conduct.begin, in the name of whoever approved the drill by its hash."""
    drill = Drill.objects.select_related("run", "engine").filter(run=run).first()
    if drill is None:
        return ""
    held = standing(drill, database_now())
    if held.state != APPROVED or held.approval is None:
        return (
            f"Run {run.pk} belongs to drill {drill.pk}, which is approved on its own page, by its hash: {held.sentence}"
        )
    begun = Record.objects.filter(subject=subject(drill), kind="drill.begun").order_by("-number").first()
    if begun is None or begun.body.get("hash") != held.approval.hash or held.approval.by != by:
        return f"Drill {drill.pk} is approved; it is begun on its own page, which looks at its readiness first."
    return ""
