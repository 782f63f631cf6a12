"""The redundancy proof of each estate with switches or arrays: made when what it rests on has changed, recorded as the
engine's look `redundancy`, so that it has findings, history and an age like any other."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from django.utils import timezone

from inventory.models import Engine, Look
from inventory.redundancy.lint import lint
from inventory.redundancy.lint.rule import Objection
from inventory.redundancy.proof import prove
from inventory.redundancy.summary import Proof, Summary
from inventory.services import gathering, looks
from inventory.services.record import record
from inventory.services.signal import announce
from inventory.services.upkeep import SOON
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome

log = logging.getLogger(__name__)

LONGEST_KEY = 120  # of a finding's subject

_kept: dict[int, tuple[str, Proof]] = {}  # of this process: the newest proof of each engine and its mark


def proof_of(engine: Engine, now: datetime, mark: str = "") -> Proof:
    """The proof of an estate as of now; the same object while nothing changed. mark: of the estate, if known."""
    mark = mark or gathering.mark(engine, now)
    kept = _kept.get(engine.pk)
    if kept is None or kept[0] != mark:
        kept = _kept[engine.pk] = (mark, prove(gathering.gathered(engine, now)))
    return kept[1]


def tick() -> int:
    """Proves what is due; returns how many proofs were new. One that did not change only says that it was looked at."""
    made = 0
    for look in looks.claim(timezone.now(), [looks.REDUNDANCY]):
        try:
            made += _proven(look)
        except Exception:
            log.exception("the proof of %s broke: its findings grow too old and become unknown", look.engine)
    if made:
        announce("looks")
    return made


def _proven(look: Look) -> bool:
    now, began = timezone.now(), time.monotonic()
    mark = gathering.mark(look.engine, now)
    if look.state == Look.State.READ and look.sha256 == mark:
        Look.objects.filter(pk=look.pk).update(at=now, answered_at=now)
        return False
    proof = proof_of(look.engine, now, mark)
    objections = lint(proof.estate, gathering.before(look.engine, now), proof)
    took = int((time.monotonic() - began) * 1000)
    findings = tuple(_findings(look.engine.name, proof, objections))
    if proof.whole.outcome is not Outcome.OK:  # neither the alarm nor its end waits for the next look at the devices
        soon = now + SOON
        Look.objects.filter(engine=look.engine, device__isnull=False, due_at__gt=soon).update(due_at=soon)
    sections = {"proof": {"asked": ["the latest looks"], "body": proof.whole.sentence}}
    record([looks.Result(look.pk, Look.State.READ, now, took, "", {"mark": mark}, findings, {}, sections, mark)])
    return True


def _findings(estate: str, proof: Proof, objections: list[Objection]) -> Iterator[Finding]:
    yield _finding("estate", estate, proof.whole)
    for kind, summaries in (("lun", proof.luns), ("vm", proof.vms)):
        for one in summaries:
            yield _finding(kind, one.key, one)
    for key, found in {short(one.key): one for one in objections}.items():
        yield Finding(found.rule.lower(), found.severity, Subject("san", key), found.sentence)


def _finding(kind: str, key: str, summary: Summary) -> Finding:
    return Finding("redundancy", summary.outcome, Subject(kind, short(key)), summary.sentence)


def short(key: str) -> str:
    """A key that the table holds; two long ones never become one."""
    return key if len(key) <= LONGEST_KEY else f"{key[: LONGEST_KEY - 17]}~{sha256(key.encode()).hexdigest()[:16]}"
