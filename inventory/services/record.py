"""Recording looks: the latest answer in place, findings, their transitions, roll-ups. Never one row per sample."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from inventory.models import Capture, Finding, Look, Transition
from inventory.services.looks import REACH_EVERY, Result, every, stale_sentence
from inventory.services.sameness import facts_mark
from portal.kernel import finding as kernel
from portal.kernel.freshness import GRACE_SECONDS, allowed_age, is_stale
from portal.kernel.outcome import Outcome

BUCKET = 300  # seconds of a roll-up
HELD = ("pk", "probe", "at", "state", "mark", "numbers")

log = logging.getLogger(__name__)


@dataclass
class Changes:
    """What a batch does to findings, written together: a fabric that is lost changes those of all LUNs of all hosts."""

    transitions: list[Transition] = field(default_factory=list)
    created: list[Finding] = field(default_factory=list)
    changed: dict[int, Finding] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)

    def write(self) -> None:
        """One statement per kind of change."""
        if self.gone:
            Finding.objects.filter(pk__in=self.gone).delete()
        Finding.objects.bulk_create(self.created)
        rows = [(one.pk, str(one.outcome), one.sentence, one.since) for one in self.changed.values()]
        if rows:
            with connection.cursor() as cursor:
                cursor.execute(
                    """update inventory_finding f set outcome = n.outcome, sentence = n.sentence, since = n.since
                       from unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[])
                            n(pk, outcome, sentence, since) where f.id = n.pk""",
                    [list(column) for column in zip(*rows, strict=True)],
                )
        Transition.objects.bulk_create(self.transitions)


def record(results: Iterable[Result]) -> int:
    """Writes a batch of results; returns the number of transitions. A result that is older than what the look already
    has (a straggler) is left out. One that the database cannot hold makes its own look unreadable, and no other."""
    newest = {result.look: result for result in sorted(results, key=lambda one: one.at)}
    return _stored(list(newest.values())) if newest else 0


def _stored(batch: list[Result]) -> int:
    """One transaction when all goes well. A batch that is refused is halved until the one that is to blame stands
    alone: what a host says (NUL, half a surrogate, one LUN twice, a number without end) must not blind the others."""
    try:
        return _written(batch)
    except (DataError, IntegrityError, ValueError, OverflowError) as error:
        if len(batch) == 1:
            return _written([_unstorable(batch[0], error)])
        middle = len(batch) // 2
        return _stored(batch[:middle]) + _stored(batch[middle:])


def _unstorable(result: Result, error: Exception) -> Result:
    look = Look.objects.select_related("host", "device", "engine").defer("sections", "facts").get(pk=result.look)
    log.error("%s cannot be stored: %s", look, type(error).__name__)  # its text would quote the answer
    words = f"{look.subject}: its answer to {look.probe} cannot be stored ({type(error).__name__}). Report it."
    return Result(result.look, Look.State.UNREADABLE, result.at, 0, words)


def _written(batch: list[Result]) -> int:
    newest = {result.look: result for result in batch}
    latest = timezone.now() + timedelta(seconds=GRACE_SECONDS)
    with transaction.atomic():
        held = Look.objects.select_for_update().filter(pk__in=newest).order_by("pk")
        taken: dict[int, Result] = {}
        beats: list[Result] = []
        late: list[Result] = []  # what they count belongs to their own time
        for pk, probe, at, state, mark, numbers in held.values_list(*HELD):
            result = newest[pk]
            # a look of the future was made before the clock went back: it is no reason to wait for its time
            if at is not None and result.at < at <= latest:
                late.append(result)
                continue
            known = state == Look.State.READ and mark == result.mark and at is not None
            if result.unread and known and result.at >= at and not _too_old(at, result.at, probe):
                beats.append(replace(result, numbers=numbers or {}))
            else:
                taken[pk] = result.unread() if result.unread else result
        _beat(beats)
        changes = _taken(taken)
        _roll_up([*taken.values(), *beats, *late])
    return len(changes.transitions)


def _taken(results: dict[int, Result]) -> Changes:
    """Writes what brought something; the looks are locked. Returns what it changed."""
    changes = Changes()
    if not results:
        return changes
    looks = Look.objects.filter(pk__in=results).select_related("host", "device", "engine").defer("sections", "facts")
    standing: dict[int, list[Finding]] = {}
    for finding in Finding.objects.filter(look__in=results):
        standing.setdefault(finding.look_id, []).append(finding)
    for look in looks.order_by("pk"):
        _apply(look, results[look.pk], standing.get(look.pk, []), changes)
    changes.write()
    return changes


def _beat(results: list[Result]) -> None:
    """The times of looks that brought nothing new, in one statement."""
    if not results:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """update inventory_look l set at = n.at, answered_at = n.at, took_ms = n.took
               from unnest(%s::bigint[], %s::timestamptz[], %s::int[]) n(pk, at, took) where l.id = n.pk""",
            [[one.look for one in results], [one.at for one in results], [one.took_ms for one in results]],
        )


def _apply(look: Look, result: Result, standing: list[Finding], changes: Changes) -> None:
    """Brings one look to the result, and notes what becomes of its findings."""
    _blind_time(look, standing, result.at, changes)
    facts = facts_mark(result.facts)
    same = look.sha256 == result.sha256 and look.facts_sha256 == facts  # another release reads other facts from it
    unchanged = same and look.state == result.state and result.state == Look.State.READ
    fields = ["at", "state", "took_ms", "sentence", "mark", "numbers"]
    look.at, look.state, look.took_ms, look.sentence = result.at, result.state, result.took_ms, result.sentence
    look.mark, look.numbers = result.mark, (dict(result.numbers) or None) if result.mark else None
    if result.state == Look.State.READ:
        look.answered_at = result.at
        fields.append("answered_at")
    if not unchanged and result.sections is not None:
        look.sections, look.sha256 = result.sections, result.sha256
        fields += ["sections", "sha256"]
    if result.state == Look.State.READ and not unchanged:
        look.facts, look.facts_sha256 = result.facts, facts
        fields += ["facts", "facts_sha256"]
    if look.brief != result.brief:
        look.brief = result.brief
        fields.append("brief")
    look.save(update_fields=fields)
    wanted = result.findings if result.state == Look.State.READ else _unknown(standing, result.sentence)
    moved = _bring(look, standing, wanted, result.at, changes)
    if moved and result.sections is not None:
        capture = _capture(result)
        for one in moved:
            one.capture = capture


def _blind_time(look: Look, standing: list[Finding], at: datetime, changes: Changes) -> None:
    """When nobody looked for too long, and nobody was there to write so down either (see `expire`), the history says it
    now: a time in which the portal was blind is never shown as what it saw before."""
    if look.at is None or at <= look.at or not _too_old(look.at, at, look.probe):
        return
    speaking = [one for one in standing if one.outcome != Outcome.UNKNOWN.value]
    since = _blind_since(look.at, look.probe)
    until = timezone.localtime(at).strftime("%d %b %Y %H:%M:%S %Z")
    words = f"{look.subject} was not looked at by {look.probe} until {until}: looks did not run."
    _bring(look, speaking, _as_unknown(speaking, words), since, changes)


def _blind_since(at: datetime, probe: str) -> datetime:
    """From when on a look speaks for the present no longer."""
    return at + timedelta(seconds=allowed_age(every(probe)))


def _as_unknown(findings: list[Finding], words: str) -> tuple[kernel.Finding, ...]:
    return tuple(
        kernel.Finding(f.check_name, Outcome.UNKNOWN, kernel.Subject(f.subject_kind, f.subject_key), words)
        for f in findings
    )


def _unknown(standing: list[Finding], sentence: str) -> tuple[kernel.Finding, ...]:
    """Every standing finding of a look that was not read, as unknown."""
    return _as_unknown(standing, f"Not known. {sentence}")


def _bring(
    look: Look, standing: list[Finding], wanted: tuple[kernel.Finding, ...], at: datetime, changes: Changes
) -> list[Transition]:
    """Notes how the standing findings become the wanted ones; returns the transitions of that."""
    by_key = {(one.check_name, one.subject_kind, one.subject_key): one for one in standing}
    moved: list[Transition] = []
    for new in wanted:
        old = by_key.pop((new.check, new.subject.kind, new.subject.key), None)
        if old is None:
            changes.created.append(_finding(look, new, at))
            moved.append(_transition(look, new, "", at))
        elif old.outcome != new.outcome:
            moved.append(_transition(look, new, old.outcome, at))
            old.since, old.outcome, old.sentence = at, new.outcome, new.sentence
            changes.changed[old.pk] = old
        elif old.sentence != new.sentence:
            old.sentence = new.sentence
            changes.changed[old.pk] = old
    moved += [_forget(look, gone, at) for gone in by_key.values()]
    changes.gone += [gone.pk for gone in by_key.values()]
    changes.transitions += moved
    return moved


def _forget(look: Look, gone: Finding, at: datetime) -> Transition:
    """A finding that a read look no longer makes goes, and the history says so."""
    subject = kernel.Subject(gone.subject_kind, gone.subject_key)
    words = f"{subject.key} is no longer reported by {look.probe}."
    return _transition(look, kernel.Finding(gone.check_name, Outcome.UNKNOWN, subject, words), gone.outcome, at)


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


def _capture(result: Result) -> Capture:
    """The raw answer that caused a transition. What nobody answered has none: an older answer proves nothing."""
    defaults = {"sections": result.sections, "taken_at": result.at}
    capture, _ = Capture.objects.get_or_create(sha256=result.sha256, defaults=defaults)
    return capture


def _bucket(at: datetime) -> datetime:
    return datetime.fromtimestamp(int(at.timestamp()) // BUCKET * BUCKET, UTC)


def _roll_up(results: Iterable[Result]) -> None:
    """Adds each number to its 5-minute bucket, in one statement per batch."""
    rows = [
        (one.look, series, _bucket(one.at), float(value)) for one in results for series, value in one.numbers.items()
    ]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """insert into inventory_rollup (look_id, series, bucket, count, low, high, total, last)
               select n.pk, n.series, n.bucket, 1, n.value, n.value, n.value, n.value
               from unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::float8[]) n(pk, series, bucket, value)
               on conflict (look_id, series, bucket) do update set
                 count = inventory_rollup.count + 1,
                 low = least(inventory_rollup.low, excluded.low),
                 high = greatest(inventory_rollup.high, excluded.high),
                 total = inventory_rollup.total + excluded.total,
                 last = excluded.last""",
            [list(column) for column in zip(*rows, strict=True)],
        )


def expire(now: datetime) -> int:
    """Writes into the history that looks have grown too old: their findings become unknown. Returns how many
    findings changed. Pages do not need it (see `present`); the history does."""
    speaking = Finding.objects.filter(look=OuterRef("pk")).exclude(outcome=Outcome.UNKNOWN.value)
    looked = Look.objects.filter(Exists(speaking), at__lt=now - timedelta(seconds=REACH_EVERY))
    by_time = looked.values_list("pk", "probe", "at")
    return sum(_expired(pk, now) for pk, probe, at in by_time if at is not None and _too_old(at, now, probe))


def _too_old(at: datetime, now: datetime, probe: str) -> bool:
    return is_stale((now - at).total_seconds(), every(probe))


def _expired(pk: int, now: datetime) -> int:
    """One look, decided again under its lock: it may just have been made."""
    with transaction.atomic():
        looks = Look.objects.select_for_update(of=("self",)).select_related("host", "device", "engine")
        look = looks.defer("sections", "facts").filter(pk=pk).first()
        if look is None or look.at is None or not _too_old(look.at, now, look.probe):
            return 0
        look.mark = ""  # its findings are not those of its answer any more
        look.save(update_fields=["mark"])
        standing = list(look.findings.exclude(outcome=Outcome.UNKNOWN.value))
        unknown = _as_unknown(standing, stale_sentence(look))
        # when it was not known any more, however late that is noticed; a look of the future tells no such time
        since = now if look.at > now else _blind_since(look.at, look.probe)
        changes = Changes()
        _bring(look, standing, unknown, since, changes)
        changes.write()
    return len(standing)
