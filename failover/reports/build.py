"""From the stored rows of an ended drill to the content of its report. The same rows give the same content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from failover.reports import content
from failover.reports.deviating import deviations
from failover.reports.found import ident, issues
from failover.reports.given import Given, Line, Row, Step
from failover.reports.involved import people, signatures
from failover.reports.measuring import measured
from failover.reports.proving import normal, proofs, untouched
from failover.reports.words import counted
from failover.verdicts.objectives import duration

KINDS = {
    "tabletop": "paper: talked through, nothing was touched",
    "backup_rehearsal": "isolated: a backup restored on a scratch server",
    "she_switchover": "live: planned switchover of the engine VM",
    "she_failover": "live: unplanned failover of the engine VM, by power-off",
    "she_agent_stop": "live: HA agent of one host stopped",
    "engine_service_failure": "live: engine service stopped on the engine VM",
    "host_power_loss": "live: one host without power",
    "fabric_path_loss": "live: one host without the paths of one fabric",
}
ENDINGS = {
    "aborted": ("warn", "aborted"),
    "failed": ("fail", "a step failed"),
    "rolled_back": ("warn", "a step failed, what was changed is undone"),
    "errored": ("fail", "Holdfast itself broke"),
    "needs_attention": ("fail", "left changed, a person is needed"),
}


def build(given: Given) -> content.Report:
    """The whole content."""
    told = measured(given)
    aims = tuple(_objective(one, given, told) for one in given.drill.objectives)
    return content.Report(
        ident=ident(given.drill.pk, given.drill.requested_at),
        title=given.drill.title,
        run=given.run.pk,
        verdict=verdict(given.run.status, aims, sum(1 for one in given.steps if one.state == "ignored")),
        sentence=given.run.sentence,
        frame=_frame(given, told),
        objectives=aims,
        people=people(given),
        authority=_authority(given),
        prechecks=_prechecks(given),
        steps=tuple(_step(one, given.lines) for one in given.steps),
        prompts=tuple(given.prompts),
        deviations=deviations(given),
        measured=told,
        proofs=proofs(given, told),
        untouched=untouched(given),
        normal=normal(given),
        issues=issues(given.drill.issues, given.issues, given.drill.pk),
        former=_former(given),
        signatures=signatures(given),
    )


def verdict(status: str, aims: tuple[content.Objective, ...], ignored: int = 0) -> content.Verdict:
    """Over the Run's end and all objectives: met only when each of them is, and never whole when a step that failed was
    ignored."""
    found = _verdict(status, aims)
    if not ignored:
        return found
    return content.Verdict(
        "warn" if found.state == "ok" else found.state, f"{found.words}, {counted(ignored, 'failed step')} ignored"
    )


def _verdict(status: str, aims: tuple[content.Objective, ...]) -> content.Verdict:
    if status in ENDINGS:
        return content.Verdict(*ENDINGS[status])
    failed = [one for one in aims if one.word == content.NOT_MET]
    blind = [one for one in aims if one.word == content.NOT_TESTED]
    if failed:
        return content.Verdict("fail", _of(len(failed), len(aims), "not met"))
    if not aims:
        return content.Verdict("unknown", "no objective was fixed")
    if blind:
        return content.Verdict("unknown", _of(len(blind), len(aims), "not tested"))
    return content.Verdict("ok", "objective met" if len(aims) == 1 else "objectives met")


def _of(some: int, every: int, words: str) -> str:
    return f"objective {words}" if every == 1 else f"{some} of {every} objectives {words}"


def _frame(given: Given, told: content.Measured) -> content.Frame:
    drill, run = given.drill, given.run
    clock: Row = (drill.measured or {}).get("clock") or {}
    named = [part.split(":") for part in str(run.parameters.get("hosts") or "").split(",") if part.count(":") == 2]
    return content.Frame(
        plan=drill.plan,
        version=run.version,
        digest=run.digest,
        kind=KINDS.get(drill.plan) or _own(drill.kind),
        announced=drill.announced,
        site=drill.site,
        engine=drill.engine,
        address=drill.address,
        hosts=tuple(part[1] for part in named),
        services=tuple(one.title for one in told.services),
        began=run.started,
        ended=run.ended,
        injected=drill.clock_began,
        clock=str(clock.get("source", "")),
        boot=drill.clock_boot,
        act=clock.get("act"),
        act_title=str(clock.get("act_title") or ""),
        scenario=drill.scenario.strip(),
        assumptions=drill.assumptions.strip(),
    )


def _own(kind: str) -> str:
    words = "a plan of this estate's own"
    return f"{words}, {KINDS[kind]}" if kind in KINDS else words


def _objective(row: Row, given: Given, told: content.Measured) -> content.Objective:
    key, kind, seconds = str(row.get("key", "")), str(row.get("kind", "")), row.get("seconds")
    said: Row = next((one for one in given.drill.verdicts if str(one.get("key")) == key), {})
    word = str(said.get("word", ""))
    service = str(row.get("service") or "engine")
    found = next((one for one in told.services if one.key == service), None) if kind == "rto" else None
    figure, _, error = _seen(kind, found, told).partition(" (± ")
    by = found.how if found else "catalog of proven backups" if kind == "rpo" else ""
    return content.Objective(
        key=key,
        title=str(row.get("title") or key),
        kind=kind,
        service=service if kind == "rto" else "",
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        measured=figure,
        error=error.rstrip(")"),
        by=by,
        word=word if word in (content.MET, content.NOT_MET) else content.NOT_TESTED,
        sentence=str(said.get("sentence") or "No verdict was recorded."),
    )


def _seen(kind: str, found: content.Service | None, told: content.Measured) -> str:
    if kind == "rpo" and told.backup_age is not None:
        return duration(told.backup_age)
    if found is not None and found.state == "steady":
        return "never away"
    return found.charged if found else ""


def _authority(given: Given) -> content.Authority:
    drill = given.drill
    return content.Authority(
        change=given.run.change,
        begins=drill.window_begins,
        ends=drill.window_ends,
        requested_by=drill.requested_by,
        requested_at=drill.requested_at,
        approved_by=given.run.approved_by,
        approved_at=given.run.approved_at,
        approvals=tuple(sorted(given.approvals, key=lambda one: (one.at, one.by))),
        glasses=tuple(sorted(given.glasses, key=lambda one: (one.asked_at, one.asked_by))),
    )


def _prechecks(given: Given) -> tuple[content.Precheck, ...]:
    rows = (given.drill.readiness or {}).get("checks") or ()
    began = given.run.started
    return tuple(
        content.Precheck(
            title=str(one.get("title", "")),
            word=str(one.get("word", "")),
            sentence=str(one.get("sentence", "")),
            evidence=tuple(str(line) for line in one.get("evidence") or ()),
            age=began.timestamp() - float(one["at"]) if began and one.get("at") is not None else None,
        )
        for one in rows
    )


def _step(step: Step, lines: Sequence[Line]) -> content.StepTold:
    mine = [one for one in lines if one.step == step.position]
    took = (step.ended - step.began).total_seconds() if step.began and step.ended else None
    return content.StepTold(
        position=step.position,
        title=step.title,
        place=step.place,
        actor=step.actor,
        planned=step.planned,
        began=step.began,
        took=took,
        attempt=step.attempt,
        acts=step.acts,
        undos=step.undos or ((step.no_undo,) if step.no_undo else ()),
        output=output_hash(mine),
        lines=tuple(f"{one.stream}: {one.text}" for one in mine),
        state=step.state,
        sentence=step.sentence,
    )


def output_hash(lines: list[Line]) -> str:
    """SHA-256 over "<stream>: <text>" and a newline, for each line as it is kept; "" without lines."""
    if not lines:
        return ""
    return hashlib.sha256("".join(f"{one.stream}: {one.text}\n" for one in lines).encode()).hexdigest()


def _former(given: Given) -> content.Former | None:
    one = given.earlier
    if one is None:
        return None
    found = issues(one.issues, one.found, given.drill.pk)
    return content.Former(ident(one.pk, one.requested_at), one.title, one.requested_at, found)


def lead(report: content.Report) -> tuple[str, ...]:
    """The first paragraph, one sentence each: how it ended, then each objective's verdict."""
    said = [one.sentence for one in report.objectives if one.word != content.NOT_TESTED]
    blind = [one.title for one in report.objectives if one.word == content.NOT_TESTED]
    unknown = [f"Not tested: {', '.join(blind)}."] if blind else []
    odd = report.untouched.odd
    changed = [f"Production differs from before in {counted(len(odd), 'thing')} that no plan meant."] if odd else []
    return (*([report.sentence] if report.sentence else []), *said, *unknown, *changed)


def heading(report: content.Report) -> str:
    """Engine failover: objectives met, 1 deviation."""
    return f"{report.title}: {report.verdict.words}, {counted(len(report.deviations), 'deviation')}"


def latest(report: content.Report) -> datetime | None:
    """The last moment that the report tells of: its end or its last signature. For the dates of a file."""
    times = [report.frame.ended, *(one.at for one in report.signatures)]
    return max((at for at in times if at), default=None)
