"""Looks: which are due, how an answer is read, and whether a finding still speaks for the present."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Func, JSONField, Q, Value, When
from django.utils import timezone

from inventory.models import Finding, Look
from inventory.probes import PROBES
from inventory.probes.multipath import MultipathFacts
from inventory.services import sameness
from inventory.verdicts import luns
from portal.kernel import facts as facts_json
from portal.kernel import finding as kernel
from portal.kernel.freshness import GRACE_SECONDS, is_stale
from portal.kernel.outcome import Outcome
from portal.kernel.output import Output, ParseError, Reply
from portal.kernel.probe import Declared, Probe

REACH = "ssh"  # the look that says whether a host lets us in; made by every visit, so it has no probe of its own
REACH_EVERY = 3.0
SWITCH, ARRAY, REDUNDANCY, REPLICATION = "switch", "array", "redundancy", "replication"
ORACLE = "oracle_tuning"  # what an Oracle VM says of its own settings
ENGINE_SIDE = "engine_side"  # VMs' settings in the engine, and where engine, hosts, arrays and guests differ
AVAILABILITY = "availability"  # made by the package above that knows what is promised of an engine's services
DEVICES = (SWITCH, ARRAY)
# Looks that are no probe's, and the seconds between two of them. Switches and arrays have few sessions to give
# (facts/san.md 1.3); the proof of redundancy and what is said of replication are made from the
# others.
BESIDES = {
    REACH: REACH_EVERY,
    SWITCH: 300.0,
    ARRAY: 300.0,
    REDUNDANCY: 15.0,
    REPLICATION: 60.0,
    ORACLE: 300.0,
    ENGINE_SIDE: 60.0,
    AVAILABILITY: 15.0,
}
LONGEST = 86_400.0  # seconds that a look is said to have taken at most, whatever a host's clock says
CUT = 65_536  # bytes kept of a stream that was cut anyway: a host that floods the portal must not fill its disk, too


@dataclass(frozen=True)
class Result:
    """What one look brought, ready to be written. findings is empty unless state is read. mark: of the answer under its
    declaration (see `sameness`), "" where the same answer may mean something else later. unread: the answer is the one
    that was read last, so it was not read again and brings nothing but its time; called, it reads it after all."""

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
    brief: Any = None
    mark: str = ""
    unread: Callable[[], Result] | None = None


def every(probe: str) -> float:
    """Seconds between two looks of a probe, by name."""
    return BESIDES[probe] if probe in BESIDES else PROBES[probe].every


def present(finding: Finding, now: datetime) -> tuple[Outcome, str]:
    """Outcome and sentence of a stored finding as of now: unknown when its look is older than its schedule allows.
    Needs finding.look loaded."""
    look = finding.look
    if look.at is None or is_stale((now - look.at).total_seconds(), every(look.probe)):
        return Outcome.UNKNOWN, stale_sentence(look)
    return Outcome(finding.outcome), finding.sentence


def stale_sentence(look: Look) -> str:
    """Why a look no longer speaks for the present, and what to do."""
    return stale_words(look.subject.name, look.probe, look.at)


def stale_words(subject: str, probe: str, at: datetime | None) -> str:
    """The same for a look of which only this is known; subject: the host's, device's, VM's or engine's name."""
    if at is None:
        return f"{subject} was never looked at by {probe}: start the looks worker."
    when = timezone.localtime(at).strftime("%d %b %Y %H:%M:%S %Z")
    return f"{subject} was last looked at by {probe} at {when}: check that the looks worker and beat run."


def read(
    probe: Probe,
    look: int,
    answers: Mapping[str, Output] | Mapping[str, Reply],
    declared: Declared,
    before: Any = None,
    known: str = "",
) -> Result:
    """Parses and judges one probe's answers. A ParseError becomes the state unreadable with its sentence; so does
    any other exception of the probe, since a surprise in an output must not stop the other looks. before: the facts of
    the look before as JSON, for a probe that compares (see `befores`). known: the stored look's mark; when these
    answers have the same, they are not read."""
    mark = sameness.mark(probe, answers, declared)
    whole = partial(_read, probe, look, answers, declared, before, mark)
    if mark and mark == known:
        at, took = datetime.fromtimestamp(declared.checked_at, UTC), _took(answers)
        return Result(look, Look.State.READ, at, took, mark=mark, unread=whole)
    return whole()


def _took(answers: Mapping[str, Output] | Mapping[str, Reply]) -> int:
    return int(min(sum(answer.took for answer in answers.values()), LONGEST) * 1000)


def _read(
    probe: Probe,
    look: int,
    answers: Mapping[str, Output] | Mapping[str, Reply],
    declared: Declared,
    before: Any,
    mark: str,
) -> Result:
    sections = {name: _section(probe, name, answer) for name, answer in answers.items()}
    digest = _digest(sections)
    at = datetime.fromtimestamp(declared.checked_at, UTC)
    took = _took(answers)
    try:
        facts = _carried(probe, probe.parse(answers), before, declared.checked_at)
        findings = tuple(probe.judge(facts, declared))
        numbers = dict(probe.numbers(facts))
        short = brief(facts, declared)
    except ParseError as error:
        return Result(
            look, Look.State.UNREADABLE, at, took, f"{declared.name}: {error}", None, (), {}, sections, digest
        )
    except Exception as error:  # noqa: BLE001 - whatever a probe stumbles over is unknown, with its name
        words = f"{declared.name}: {probe.name} cannot read this answer ({type(error).__name__}: {error}). Report it."
        return Result(look, Look.State.UNREADABLE, at, took, words, None, (), {}, sections, digest)
    dumped = facts_json.dump(facts)
    kept = mark if probe.settled is not None and probe.settled(dumped) else ""
    return Result(look, Look.State.READ, at, took, "", dumped, findings, numbers, sections, digest, short, kept)


def _carried(probe: Probe, facts: Any, before: Any, at: float) -> Any:
    """Facts that another release wrote are no look before."""
    if probe.carry is None or before is None:
        return facts
    try:
        return probe.carry(facts, before, at)
    except (KeyError, TypeError):
        return facts


def befores(due: Collection[Look]) -> dict[int, Any]:
    """The stored facts of those looks whose probes compare, by primary key, in at most one query."""
    keys = [look.pk for look in due if look.probe in PROBES and PROBES[look.probe].carry is not None]
    if not keys:
        return {}
    rows = Look.objects.filter(pk__in=keys, facts__isnull=False).annotate(needed=_needed())
    return dict(rows.values_list("pk", "needed"))


def _needed() -> Case:
    """The stored facts without what their probe's carry does not need."""
    bulky = {name: list(probe.bulky) for name, probe in PROBES.items() if probe.bulky}
    parts = {
        name: Func(F("facts"), Value(keys), template="(%(expressions)s::text[])", arg_joiner=" - ")
        for name, keys in bulky.items()
    }
    whens = [When(probe=name, then=part) for name, part in parts.items()]
    return Case(*whens, default=F("facts"), output_field=JSONField())


def brief(facts: Any, declared: Declared) -> Any:
    """What the overview needs of a look, as plain JSON values, so that it adds up hosts in SQL and reads no facts; None
    for a probe whose looks it does not add up."""
    if not isinstance(facts, MultipathFacts):
        return None
    return facts_json.dump(luns.part(luns.LunView(declared.name, facts, declared.paths)))


def _section(probe: Probe, name: str, answer: Output | Reply) -> dict[str, Any]:
    if isinstance(answer, Reply):
        return {
            "asked": probe.requests[name].path,
            "status": answer.status,
            "body": _text(answer.body),
            "error": answer.error,
            "took": round(answer.took, 4),
        }
    kept = CUT if answer.truncated else None
    return {
        "asked": list(probe.commands[name].argv) if name in probe.commands else [name],
        "exit_code": answer.exit_code,
        "stdout": _text(answer.stdout[:kept]),
        "stderr": _text(answer.stderr[:kept]),
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


def claim(now: datetime, probes: Collection[str]) -> list[Look]:
    """The looks of these probes that are due, claimed by moving their due time on: a second claimer finds nothing.
    A due time that is more than one period away is due, too: it was set before the clock went back."""
    schedule = {name: timedelta(seconds=every(name)) for name in probes}
    due_now = Q(due_at__lte=now)
    for name, period in schedule.items():
        due_now |= Q(probe=name, due_at__gt=now + period + timedelta(seconds=GRACE_SECONDS))
    with transaction.atomic():
        due = list(
            Look.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(due_now, engine__watched=True, probe__in=schedule)
            .select_related("host", "device", "vm", "engine")
            .defer("sections", "facts", "brief", "numbers")
            .order_by("pk")
        )
        for probe in {look.probe for look in due}:
            pks = [look.pk for look in due if look.probe == probe]
            Look.objects.filter(pk__in=pks).update(due_at=now + schedule[probe])
    return due
