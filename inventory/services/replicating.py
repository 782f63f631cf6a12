"""What both arrays say of each replication pair, judged once a minute and recorded as the engine's look `replication`;
the map of production LUNs to their copies, which a person approves."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.utils import timezone

from inventory.models import ApprovedCopy, Device, Engine, Look, Site
from inventory.services import gathering, looks
from inventory.services.record import record
from inventory.services.signal import announce
from inventory.verdicts.replication import Declared, Replicated, groups, judge
from inventory.verdicts.replication_answer import answer
from inventory.verdicts.replication_map import Mirror, drift, mirrors, silence
from portal.evidence.canonical import digest
from portal.evidence.services import append
from portal.kernel.finding import Finding
from portal.kernel.outcome import GRAVE

log = logging.getLogger(__name__)


class CannotApprove(ValueError):
    """The map is not approved; the sentence says why and what to do."""


@dataclass(frozen=True)
class Judged:
    """Replication of one estate as of `at`, when its arrays were asked. production: the serial number of its array at
    the production site, "" when none or several are declared. silent: why pairs may be missing, "" when none is."""

    at: datetime
    pairs: tuple[Replicated, ...]
    map: tuple[Mirror, ...]
    approved: Mapping[str, str]
    production: str
    objective: float | None
    silent: str

    @property
    def shown(self) -> str:
        """Stands for the map that a page shows."""
        return digest([[one.production, one.copy] for one in self.map])

    @property
    def changed(self) -> bool:
        """Whether the map is another than the approved one."""
        return {one.production: one.copy for one in self.map} != dict(self.approved)


def judged(engine: Engine, now: datetime, known: Mapping[str, float] | None = None) -> Judged:
    """From the arrays' latest looks. known: pair -> Unix seconds of its last consistent point, as found before."""
    arrays, at = gathering.arrays(engine, now)
    ours = [device for device, _ in arrays if device.site.role == Site.Role.PRODUCTION]
    asked = [one for _, one in arrays]
    mine = {device.name for device in ours}
    serials = [one.serial for one in asked if one.name in mine and one.serial]
    production = serials[0] if len(serials) == 1 else ""
    objective = ours[0].rpo_seconds if len(ours) == 1 else None
    pairs = judge(asked, at.timestamp(), Declared(production, objective), known)
    approved = dict(ApprovedCopy.objects.filter(engine=engine).values_list("production", "copy"))
    return Judged(at, pairs, mirrors(pairs, production), approved, production, objective, silence(asked))


def tick() -> int:
    """Judges what is due; returns how many looks were recorded."""
    done = 0
    for look in looks.claim(timezone.now(), [looks.REPLICATION]):
        try:
            done += _record(look)
        except Exception:
            log.exception(
                "the replication of %s could not be judged: it grows too old and becomes unknown", look.engine
            )
    if done:
        announce("looks")
    return done


def _record(look: Look) -> int:
    now = timezone.now()
    before = Look.objects.values_list("facts", flat=True).get(pk=look.pk) or {}
    found = judged(look.engine, now, before.get("known"))
    findings = _once([*(f for one in found.pairs for f in one.findings), *groups(found.pairs), *_drift(found)])
    known = {one.key: one.loss.consistent_at for one in found.pairs if one.loss.consistent_at is not None}
    facts = {"known": {**before.get("known", {}), **known}, "answer": answer(found.pairs, found.silent)}
    numbers = {series(one.key): one.loss.seconds for one in found.pairs if one.loss.seconds is not None}
    sections = {"told": {"asked": ["the latest looks at the arrays"], "body": "\n".join(f.sentence for f in findings)}}
    mark = digest([[one.check, one.subject.key, one.outcome.value] for one in findings])
    record([looks.Result(look.pk, Look.State.READ, now, 0, "", facts, findings, numbers, sections, mark)])
    return 1


def _drift(found: Judged) -> Iterable[Finding]:
    return drift(found.approved, found.map, found.silent) if found.production else ()


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding per check and subject, the gravest: a LUN may have two copies."""
    kept: dict[tuple[str, str, str], Finding] = {}
    for one in findings:
        key = (one.check, one.subject.kind, one.subject.key)
        old = kept.get(key)
        if old is None or GRAVE.index(one.outcome) < GRAVE.index(old.outcome):
            kept[key] = one
    return tuple(kept.values())


def series(key: str) -> str:
    """The name of a pair's numbers: seconds that would be lost."""
    return f"rpo_{sha256(key.encode()).hexdigest()[:16]}"


def approve(engine: Engine, by: str, shown: str) -> int:
    """Takes the map that the page showed as the approved one; returns its number of copies. Raises CannotApprove."""
    found = judged(engine, timezone.now())
    if not found.production:
        raise CannotApprove("Which array is production is not known: give exactly one array a production site.")
    if found.silent:
        raise CannotApprove(f"The map may not be whole, so it is not approved. {found.silent}")
    if not found.map:
        raise CannotApprove("The arrays tell of no pair, so there is no map to approve.")
    if found.shown != shown:
        raise CannotApprove("The map is no longer the one that the page showed. Read it again; nothing was approved.")
    with transaction.atomic():
        Engine.objects.select_for_update().get(pk=engine.pk)
        ApprovedCopy.objects.filter(engine=engine).delete()
        now = timezone.now()
        ApprovedCopy.objects.bulk_create(
            ApprovedCopy(engine=engine, production=one.production, copy=one.copy, approved_by=by, approved_at=now)
            for one in {one.production: one for one in found.map}.values()
        )
        body = {"copies": [[one.production, one.copy] for one in found.map], "sha256": shown}
        append("replication.approved", by, f"engine:{engine.name}", body)
        Look.objects.filter(engine=engine, probe=looks.REPLICATION).update(due_at=now)
    return len(found.map)


def estates() -> list[Engine]:
    """The engines that have an array."""
    return list(
        Engine.objects.filter(devices__kind=Device.Kind.ARRAY).select_related("site").distinct().order_by("name")
    )


def kept(engine: Engine) -> dict[str, float]:
    """Pair -> Unix seconds of its last consistent point, as the looks so far found it."""
    row = Look.objects.filter(engine=engine, probe=looks.REPLICATION).values_list("facts", flat=True).first()
    return {str(key): float(at) for key, at in ((row or {}).get("known") or {}).items()}
