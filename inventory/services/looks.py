"""Recording looks: the latest answer in place, findings, their transitions, roll-ups. Never one row per sample."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from inventory.models import Capture, Finding, Look, Transition
from inventory.probes import PROBES
from portal.kernel import facts as facts_json
from portal.kernel import finding as kernel
from portal.kernel.freshness import is_stale
from portal.kernel.outcome import Outcome
from portal.kernel.output import Output, ParseError, Reply
from portal.kernel.probe import Declared, Probe

REACH = "ssh"  # the look that says whether a host lets us in; made by every visit, so it has no probe of its own
REACH_EVERY = 3.0
BUCKET = 300  # seconds of a roll-up


@dataclass(frozen=True)
class Result:
    """What one look brought, ready to be written. findings is empty unless state is read."""

    look: int
    state: str
    at: datetime
    took_ms: int
    sentence: str = ""
    facts: Any = None
    findings: tuple[kernel.Finding, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    sections: dict[str, Any] | None = None
    sha256: str = ""


def every(probe: str) -> float:
    """Seconds between two looks of a probe, by name."""
    return REACH_EVERY if probe == REACH else PROBES[probe].every


def present(finding: Finding, now: datetime) -> tuple[Outcome, str]:
    """Outcome and sentence of a stored finding as of now: unknown when its look is older than its schedule allows.
    Needs finding.look loaded."""
    look = finding.look
    if look.at is None or is_stale((now - look.at).total_seconds(), every(look.probe)):
        return Outcome.UNKNOWN, stale_sentence(look)
    return Outcome(finding.outcome), finding.sentence


def stale_sentence(look: Look) -> str:
    """Why a look no longer speaks for the present, and what to do."""
    subject = look.host.name if look.host else look.engine.name
    if look.at is None:
        return f"{subject} was never looked at by {look.probe}: start the looks worker."
    when = timezone.localtime(look.at).strftime("%d %b %Y %H:%M:%S %Z")
    return f"{subject} was last looked at by {look.probe} at {when}: check that the looks worker and beat run."


def read(probe: Probe, look: int, answers: Mapping[str, Output] | Mapping[str, Reply], declared: Declared) -> Result:
    """Parses and judges one probe's answers. A ParseError becomes the state unreadable with its sentence; so does
    any other exception of the probe, since a surprise in an output must not stop the other looks."""
    sections = {name: _section(probe, name, answer) for name, answer in answers.items()}
    digest = _digest(sections)
    at = datetime.fromtimestamp(declared.checked_at, UTC)
    took = int(sum(answer.took for answer in answers.values()) * 1000)
    try:
        facts = probe.parse(answers)
        findings = tuple(probe.judge(facts, declared))
        numbers = dict(probe.numbers(facts))
    except ParseError as error:
        return Result(
            look, Look.State.UNREADABLE, at, took, f"{declared.name}: {error}", None, (), {}, sections, digest
        )
    except Exception as error:  # noqa: BLE001 - whatever a probe stumbles over is unknown, with its name
        words = f"{declared.name}: {probe.name} cannot read this answer ({type(error).__name__}: {error}). Report it."
        return Result(look, Look.State.UNREADABLE, at, took, words, None, (), {}, sections, digest)
    dumped = facts_json.dump(facts)
    return Result(look, Look.State.READ, at, took, "", dumped, findings, numbers, sections, digest)


def _section(probe: Probe, name: str, answer: Output | Reply) -> dict[str, Any]:
    if isinstance(answer, Reply):
        return {
            "asked": probe.requests[name].path,
            "status": answer.status,
            "body": _text(answer.body),
            "error": answer.error,
            "took": round(answer.took, 4),
        }
    return {
        "asked": list(probe.commands[name].argv) if name in probe.commands else [name],
        "exit_code": answer.exit_code,
        "stdout": _text(answer.stdout),
        "stderr": _text(answer.stderr),
        "took": round(answer.took, 4),
        "truncated": answer.truncated,
    }


def _text(raw: bytes) -> str | dict[str, str]:
    """Text where it is text that PostgreSQL can hold, base64 otherwise."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}
    return {"base64": base64.b64encode(raw).decode()} if "\0" in text else text


def _digest(sections: dict[str, Any]) -> str:
    """SHA-256 over what came back; times are left out, so that the same answer has the same digest."""
    bare = {name: {k: v for k, v in section.items() if k != "took"} for name, section in sections.items()}
    return hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()


def record(results: Iterable[Result]) -> int:
    """Writes a batch of results in one transaction; returns the number of transitions. A result that is older than
    what the look already has (a straggler) is left out."""
    newest = {result.look: result for result in sorted(results, key=lambda one: one.at)}
    if not newest:
        return 0
    with transaction.atomic():
        looks = {
            look.pk: look
            for look in Look.objects.select_for_update(of=("self",))
            .select_related("host", "engine")
            .filter(pk__in=newest)
            .order_by("pk")
        }
        standing: dict[int, list[Finding]] = {}
        for finding in Finding.objects.filter(look__in=looks):
            standing.setdefault(finding.look_id, []).append(finding)
        transitions: list[Transition] = []
        for pk, look in looks.items():
            if look.at is None or newest[pk].at >= look.at:
                transitions += _apply(look, newest[pk], standing.get(pk, []))
        Transition.objects.bulk_create(transitions)
        _roll_up([newest[pk] for pk in looks if newest[pk].numbers])
    return len(transitions)


def _apply(look: Look, result: Result, standing: list[Finding]) -> list[Transition]:
    """Brings one look and its findings to the result; returns the transitions, not yet saved."""
    unchanged = look.sha256 == result.sha256 and look.state == result.state and result.state == Look.State.READ
    fields = ["at", "state", "took_ms", "sentence"]
    look.at, look.state, look.took_ms, look.sentence = result.at, result.state, result.took_ms, result.sentence
    if result.state == Look.State.READ:
        look.answered_at = result.at
        fields.append("answered_at")
    if not unchanged and result.sections is not None:
        look.sections, look.sha256 = result.sections, result.sha256
        fields += ["sections", "sha256"]
    if result.state == Look.State.READ and not unchanged:
        look.facts = result.facts
        fields.append("facts")
    look.save(update_fields=fields)
    wanted = result.findings if result.state == Look.State.READ else _unknown(standing, result.sentence)
    return _bring(look, standing, wanted, result.at)


def _unknown(standing: list[Finding], sentence: str) -> tuple[kernel.Finding, ...]:
    """Every standing finding of a look that was not read, as unknown."""
    return tuple(
        kernel.Finding(
            one.check_name, Outcome.UNKNOWN, kernel.Subject(one.subject_kind, one.subject_key), f"Not known. {sentence}"
        )
        for one in standing
    )


def _bring(look: Look, standing: list[Finding], wanted: tuple[kernel.Finding, ...], at: datetime) -> list[Transition]:
    by_key = {(one.check_name, one.subject_kind, one.subject_key): one for one in standing}
    transitions: list[Transition] = []
    changed: list[Finding] = []
    created: list[Finding] = []
    for new in wanted:
        old = by_key.pop((new.check, new.subject.kind, new.subject.key), None)
        if old is None:
            created.append(_finding(look, new, at))
            transitions.append(_transition(look, new, "", at))
        elif old.outcome != new.outcome or old.sentence != new.sentence:
            if old.outcome != new.outcome:
                transitions.append(_transition(look, new, old.outcome, at))
                old.since = at
            old.outcome, old.sentence = new.outcome, new.sentence
            changed.append(old)
    for gone in by_key.values():
        subject = kernel.Subject(gone.subject_kind, gone.subject_key)
        words = f"{subject.key} is no longer reported by {look.probe}."
        last = kernel.Finding(gone.check_name, Outcome.UNKNOWN, subject, words)
        transitions.append(_transition(look, last, gone.outcome, at))
        gone.delete()
    Finding.objects.bulk_create(created)
    if changed:
        Finding.objects.bulk_update(changed, ["outcome", "sentence", "since"])
    if transitions and look.sections is not None:
        capture = _capture(look, at)
        for transition_row in transitions:
            transition_row.capture = capture
    return transitions


def _finding(look: Look, new: kernel.Finding, at: datetime) -> Finding:
    return Finding(
        look=look,
        check_name=new.check,
        subject_kind=new.subject.kind,
        subject_key=new.subject.key,
        outcome=new.outcome,
        sentence=new.sentence,
        since=at,
    )


def _transition(look: Look, new: kernel.Finding, before: str, at: datetime) -> Transition:
    return Transition(
        at=at,
        engine=look.engine,
        host=look.host,
        probe=look.probe,
        check_name=new.check,
        subject_kind=new.subject.kind,
        subject_key=new.subject.key,
        from_outcome=before,
        to_outcome=new.outcome,
        sentence=new.sentence,
    )


def _capture(look: Look, at: datetime) -> Capture:
    capture, _ = Capture.objects.get_or_create(sha256=look.sha256, defaults={"sections": look.sections, "taken_at": at})
    return capture


def _roll_up(results: list[Result]) -> None:
    """Adds each number to its 5-minute bucket, in one statement per batch."""
    rows = []
    for result in results:
        start = int(result.at.timestamp()) // BUCKET * BUCKET
        bucket = datetime.fromtimestamp(start, UTC)
        rows += [(result.look, series, bucket, value) for series, value in result.numbers.items()]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into inventory_rollup (look_id, series, bucket, count, low, high, total, last)
               values (%s, %s, %s, 1, %s, %s, %s, %s)
               on conflict (look_id, series, bucket) do update set
                 count = inventory_rollup.count + 1,
                 low = least(inventory_rollup.low, excluded.low),
                 high = greatest(inventory_rollup.high, excluded.high),
                 total = inventory_rollup.total + excluded.total,
                 last = excluded.last""",
            [(look, series, bucket, value, value, value, value) for look, series, bucket, value in rows],
        )


def expire(now: datetime) -> int:
    """Writes into the history that looks have grown too old: their findings become unknown. Returns how many
    findings changed. Pages do not need it (see `present`); the history does."""
    changed = 0
    oldest = now - timedelta(seconds=REACH_EVERY)
    for look in Look.objects.select_related("host", "engine").filter(at__lt=oldest).exclude(state=Look.State.NEVER):
        if look.at is None or not is_stale((now - look.at).total_seconds(), every(look.probe)):
            continue
        with transaction.atomic():
            standing = list(
                Finding.objects.select_for_update().filter(look=look).exclude(outcome=Outcome.UNKNOWN.value)
            )
            if not standing:
                continue
            words = stale_sentence(look)
            unknown = tuple(
                kernel.Finding(f.check_name, Outcome.UNKNOWN, kernel.Subject(f.subject_kind, f.subject_key), words)
                for f in standing
            )
            Transition.objects.bulk_create(_bring(look, standing, unknown, now))
            changed += len(standing)
    return changed


def claim(now: datetime, probes: Collection[str]) -> list[Look]:
    """The looks of these probes that are due, claimed by moving their due time on: a second claimer finds nothing."""
    schedule = {name: timedelta(seconds=PROBES[name].every) for name in probes}
    with transaction.atomic():
        due = list(
            Look.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(due_at__lte=now, engine__watched=True, probe__in=schedule)
            .select_related("host", "engine")
        )
        for probe in {look.probe for look in due}:
            pks = [look.pk for look in due if look.probe == probe]
            Look.objects.filter(pk__in=pks).update(due_at=now + schedule[probe])
    return due
