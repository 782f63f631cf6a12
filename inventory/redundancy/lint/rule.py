"""A rule and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from inventory.redundancy.lint.scene import Scene
from portal.kernel.outcome import Outcome


@dataclass(frozen=True)
class Found:
    """One place where a rule is broken. objects: names and WWNs concerned. evidence: (who told it, what was told).
    severity: other than the rule's, for a case that is worse or milder."""

    objects: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]
    sentence: str
    severity: Outcome | None = None


@dataclass(frozen=True)
class Rule:
    """ident: upper case, as facts/san.md 3.4 has it. title: what is wrong, in a few words. find: the scene in, every
    breach out; what was not read is no breach (rule UNREAD says so)."""

    ident: str
    title: str
    severity: Outcome
    find: Callable[[Scene], Iterable[Found]]


@dataclass(frozen=True)
class Objection:
    """A breach with its rule: what lint gives out."""

    rule: str
    title: str
    severity: Outcome
    objects: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]
    sentence: str

    @property
    def key(self) -> str:
        """The same breach has the same key in every look, so that it can be told since when it stands."""
        return f"{self.rule}:{','.join(self.objects)}"
