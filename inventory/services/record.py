"""Recording looks: the latest answer in place, findings, their transitions, roll-ups. Never one row per sample."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from inventory.models import Capture, Finding, Look, Transition
from inventory.services.looks import REACH_EVERY, Result, every, stale_sentence
from portal.kernel import finding as kernel
from portal.kernel.freshness import is_stale
from portal.kernel.outcome import Outcome

BUCKET = 300  # seconds of a roll-up


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
    """Brings the standing findings to the wanted ones; returns the transitions, not yet saved."""
    by_key = {(one.check_name, one.subject_kind, one.subject_key): one for one in standing}
    transitions: list[Transition] = []
    changed: list[Finding] = []
    created: list[Finding] = []
    for new in wanted:
        old = by_key.pop((new.check, new.subject.kind, new.subject.key), None)
        if old is None:
            created.append(_finding(look, new, at))
            transitions.append(_transition(look, new, "", at))
        elif old.outcome != new.outcome:
            transitions.append(_transition(look, new, old.outcome, at))
            old.since, old.outcome, old.sentence = at, new.outcome, new.sentence
            changed.append(old)
        elif old.sentence != new.sentence:
            old.sentence = new.sentence
            changed.append(old)
    transitions += [_forget(look, gone, at) for gone in by_key.values()]
    Finding.objects.bulk_create(created)
    if changed:
        Finding.objects.bulk_update(changed, ["outcome", "sentence", "since"])
    return _with_capture(look, transitions, at)


def _forget(look: Look, gone: Finding, at: datetime) -> Transition:
    """A finding that a read look no longer makes goes, and the history says so."""
    subject = kernel.Subject(gone.subject_kind, gone.subject_key)
    words = f"{subject.key} is no longer reported by {look.probe}."
    before = gone.outcome
    gone.delete()
    return _transition(look, kernel.Finding(gone.check_name, Outcome.UNKNOWN, subject, words), before, at)


def _with_capture(look: Look, transitions: list[Transition], at: datetime) -> list[Transition]:
    """Ties the raw answer to the transitions that it caused."""
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
