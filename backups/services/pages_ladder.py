"""The ladder as people see it: six steps, V0 to V5, over the nine rungs of an archive and its rehearsal.

V0 engine-backup said that it succeeded and its archive is there, whole (present, size, hash). V1 `--mode=verify`.
V2 the members that the engine needs (listing, members). V3 every dump read to its end. V4 PKI and version.
V5 restored in scratch (facts/engine-backup.md 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from backups.catalog.rung import Mark
from backups.models import Backup

RUNGS: tuple[tuple[str, ...], ...] = (
    ("present", "size", "hash"),
    ("verify",),
    ("listing", "members"),
    ("dumps",),
    ("pki", "version"),
)
TITLES = (
    "Finished",
    "engine-backup verify",
    "Members",
    "Every dump read to its end",
    "PKI and version",
    "Restored in scratch",
)
REHEARSED = 5
NAMES = {
    "present": "Present",
    "size": "Size",
    "hash": "Hash",
    "verify": "engine-backup --mode=verify",
    "listing": "Safe listing",
    "members": "Expected members",
    "dumps": "Every dump read to its end",
    "pki": "PKI",
    "version": "Version",
    "restored": "Every dump came back",
    "counts": "Rows per table",
    "inventory": "Beside the engine's own lists",
    "newest": "Newest event",
}
# kind of a step -> the shape of a state
SHAPES = {"ok": "ok", "fail": "fail", "unknown": "unknown", "running": "running", "none": "waiting"}
WORDS = {"ok": "proven", "fail": "failed", "unknown": "not known", "running": "running", "none": "not tried"}


@dataclass(frozen=True)
class Rung:
    """One stored rung. took: seconds, None when it was not measured."""

    name: str
    title: str
    outcome: str
    sentence: str
    evidence: tuple[str, ...]
    took: float | None


@dataclass(frozen=True)
class Step:
    """V0 to V5. kind: ok | fail | unknown | running | none (not tried)."""

    number: int
    title: str
    kind: str
    sentence: str
    took: float | None
    rungs: tuple[Rung, ...]

    @property
    def mark(self) -> str:
        """V3."""
        return f"V{self.number}"

    @property
    def shape(self) -> str:
        return SHAPES[self.kind]

    @property
    def word(self) -> str:
        return WORDS[self.kind]


@dataclass(frozen=True)
class Ladder:
    """All six steps, and the one that the backup is proven to: None for none."""

    steps: tuple[Step, ...]
    proven: int | None

    @property
    def word(self) -> str:
        """V5, or none."""
        return "none" if self.proven is None else f"V{self.proven}"

    @property
    def first_bad(self) -> Step | None:
        """The first step that failed or is not known."""
        return next((step for step in self.steps if step.kind in ("fail", "unknown")), None)

    @property
    def reversed(self) -> tuple[Step, ...]:
        """From V5 down, as a ladder is drawn."""
        return self.steps[::-1]

    @property
    def spoken(self) -> str:
        """For those who do not see the marks."""
        return ", ".join(f"{step.mark} {step.word}" for step in self.steps)


def rungs_of(stored: Sequence[Any]) -> list[Rung]:
    """Stored rungs as they are shown; what cannot be read is left out, never guessed."""
    return [_rung(row) for row in stored if isinstance(row, dict) and row.get("name")]


def _rung(row: dict[str, Any]) -> Rung:
    name, outcome, took = str(row["name"]), str(row.get("outcome", "")), row.get("took")
    known = outcome if outcome in set(Mark) else Mark.UNKNOWN.value
    evidence = tuple(str(each) for each in row.get("evidence") or ())
    seconds = float(took) if isinstance(took, (int, float)) else None
    return Rung(name, NAMES.get(name, name), known, str(row.get("sentence", "")), evidence, seconds)


def ladder_of(backup: Backup, running: str = "", rehearsed: str = "", rehearsal_took: float | None = None) -> Ladder:
    """running: "" or the name of the plan that is at work on it now. rehearsed: the last rehearsal's sentence."""
    by_name = {rung.name: rung for rung in rungs_of(backup.ladder)}
    steps = [_step(number, backup, by_name, running) for number in range(len(RUNGS))]
    steps.append(_still(_rehearsal(backup, running, rehearsed, rehearsal_took), steps))
    return Ladder(tuple(steps), _proven(steps))


def _step(number: int, backup: Backup, by_name: dict[str, Rung], running: str) -> Step:
    rungs = tuple(by_name[name] for name in RUNGS[number] if name in by_name)
    outcomes = [rung.outcome for rung in rungs]
    kind = _kind(outcomes)
    told = next((rung.sentence for rung in rungs if rung.outcome in ("fail", "unknown")), "")
    if number == 0:
        kind, told = _finished(backup, kind, told)
    if not told:
        told = " ".join(rung.sentence for rung in rungs) or "It was not tried."
    if kind == "none" and running == "backup_verify":
        kind, told = "running", "It is being looked at now."
    taken = [rung.took for rung in rungs if rung.took is not None]
    took = _span(backup.began, backup.ended) if number == 0 else sum(taken) if taken else None
    return Step(number, TITLES[number], kind, told, took, rungs)


def _kind(outcomes: Sequence[str]) -> str:
    for bad in ("fail", "unknown"):
        if bad in outcomes:
            return bad
    return "ok" if "ok" in outcomes else "none"


def _finished(backup: Backup, kind: str, told: str) -> tuple[str, str]:
    """V0 also rests on how the run of engine-backup ended."""
    if backup.status == Backup.Status.FAILED:
        return "fail", backup.sentence or "engine-backup failed."
    if backup.status == Backup.Status.STARTED:
        return "running", "engine-backup has not ended."
    if kind == "none":
        return "ok", backup.sentence or "engine-backup ended as DONE."
    return kind, told or (backup.sentence if kind == "ok" else "")


def _rehearsal(backup: Backup, running: str, told: str, took: float | None) -> Step:
    proof = Backup.Proof
    kinds = {proof.PROVEN: "ok", proof.FAILED: "fail", proof.UNKNOWN: "unknown", proof.NONE: "none"}
    kind = kinds[proof(backup.proof)]
    if kind == "none" and running == "backup_rehearse":
        kind, told = "running", "It is being restored in scratch now."
    return Step(REHEARSED, TITLES[REHEARSED], kind, told or "It was not tried.", took, ())


def _still(rehearsal: Step, below: Sequence[Step]) -> Step:
    """What came back once says nothing about an archive that fails, or is not known, further down now."""
    bad = next((step for step in below if step.kind in ("fail", "unknown")), None)
    if rehearsal.kind != "ok" or bad is None:
        return rehearsal
    told = f"It came back when it was rehearsed. {bad.mark} does not hold now, so nobody knows whether it still would."
    return replace(rehearsal, kind="unknown", sentence=told)


def _proven(steps: Sequence[Step]) -> int | None:
    """The last ok step below the first one that failed, is not known or still runs."""
    proven = None
    for step in steps:
        if step.kind in ("fail", "unknown", "running"):
            break
        proven = step.number if step.kind == "ok" else proven
    return proven


def _span(begin: datetime | None, end: datetime | None) -> float | None:
    return (end - begin).total_seconds() if begin and end else None
