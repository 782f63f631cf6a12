"""What the kit's page shows: sections of facts and tables, without a word of HTML. The portal's own screen and the
bundle's index.html are drawn from the same sections."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from backups.kit import page_estate, page_recovery
from backups.kit.act import Stage
from backups.kit.content import Kit
from backups.kit.line import USUAL, Limits, Line
from backups.kit.readiness import Verdict, lines, verdict
from backups.kit.runbook import runbook, unknowns
from backups.kit.section import Section
from backups.kit.words import when
from portal.kernel.words import span

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 .,:+-]")


@dataclass(frozen=True)
class Shown:
    """A line of the readiness with its age in words."""

    line: Line
    age: str


@dataclass(frozen=True)
class Page:
    """Everything that the page needs, in order."""

    title: str
    made: str
    footer: str  # of every printed page; plain letters, since it stands in the style sheet
    verdict: Verdict
    readiness: tuple[Shown, ...]
    recovery: tuple[Section, ...]
    stages: tuple[Stage, ...]
    open_values: int
    estate: tuple[Section, ...]
    key: str = ""
    changes: tuple[str, ...] = field(default_factory=tuple)


def page(kit: Kit, now: int, limits: Limits = USUAL, key: str = "", changes: tuple[str, ...] = ()) -> Page:
    """The page at a moment. key: id of the signing key, "" unsigned. changes: against the kit before."""
    found = lines(kit, now, limits)
    stages = runbook(kit)
    return Page(
        title=kit.estate,
        made=when(kit.made, kit.zone),
        footer=_NOT_PLAIN.sub("", f"Recovery-day kit {kit.estate}, made {when(kit.made, kit.zone)}"),
        verdict=verdict(found),
        readiness=tuple(Shown(one, _age(one.at, now)) for one in found),
        recovery=page_recovery.sections(kit, now),
        stages=stages,
        open_values=unknowns(stages),
        estate=page_estate.sections(kit),
        key=key,
        changes=changes,
    )


def _age(at: int | None, now: int) -> str:
    return "never" if at is None else span(now - at)
