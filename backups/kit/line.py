"""One line of the readiness, and the rules that all lines share: never looked at is unknown, too old is a warning."""

from __future__ import annotations

from dataclasses import dataclass

from backups.kit.content import Source
from backups.kit.words import listed
from portal.kernel.outcome import Outcome
from portal.kernel.words import span

DAY = 86_400


@dataclass(frozen=True)
class Limits:
    """How old each part may be, in seconds. collected: what is collected after each backup. archive: the policy's RPO
    and a rehearsal. declared: what people told. empty: when the spare LUN was last seen empty."""

    collected: int = 26 * 3600
    archive: int = 26 * 3600
    declared: int = 180 * DAY
    empty: int = 90 * DAY
    drill: int = 366 * DAY
    places: int = 2  # sites that must hold the latest archive
    spare_bytes: int = 75 * 2**30  # facts/engine-backup.md 8: 61 GB disk, plan 75 GB or more


USUAL = Limits()


@dataclass(frozen=True)
class Line:
    """key: unique ("host:kvm01"). at: when it was collected, None never. max_age: seconds."""

    key: str
    title: str
    outcome: Outcome
    sentence: str
    at: int | None
    max_age: int


@dataclass(frozen=True)
class Part:
    """A line that is still to be judged: its name, where its facts come from and how old they may be."""

    key: str
    title: str
    source: Source
    now: int
    max_age: int

    def line(self, outcome: Outcome, sentence: str) -> Line:
        """The line as it is."""
        return Line(self.key, self.title, outcome, sentence, self.source.at, self.max_age)

    def unknown(self, todo: str) -> Line:
        """Nobody could look."""
        why = " ".join(self.source.why) or f"{self.title}: never collected."
        return self.line(Outcome.UNKNOWN, f"{why} {todo}")

    def missing(self, what: list[str], todo: str) -> Line:
        """Looked at, and it lacks something that the day needs. What could not be read is told as the reason."""
        verb = "is" if len(what) == 1 else "are"
        why = f" {' '.join(self.source.why)}" if self.source.why else ""
        return self.line(Outcome.FAIL, f"{self.title}: {listed(what)} {verb} missing. {todo}{why}")

    def good(self, sentence: str) -> Line:
        """ok, unless it did not answer when it was asked last, is too old, or from the future: each is said."""
        age = self.now - (self.source.at or 0)
        if self.source.missed is not None:
            told = (
                f"{' '.join(self.source.why)} What was read {span(self.source.missed - (self.source.at or 0))} before"
            )
            return self.line(Outcome.UNKNOWN, f"{told} stands here. Look at it, then collect the kit again.")
        if age > self.max_age:
            told = f"{self.title} is {span(age)} old, limit {span(self.max_age)}: collect the kit again. {sentence}"
            return self.line(Outcome.WARN, told)
        if age < -300:
            return self.line(Outcome.WARN, f"{self.title} was collected in the future: look at the clocks. {sentence}")
        return self.line(Outcome.OK, sentence)
