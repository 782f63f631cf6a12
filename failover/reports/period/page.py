"""The period report as it is laid out: numbered sections of facts, plots and tables; every word is decided here.
Screen, paper, file and CSV draw this same value."""

from __future__ import annotations

from dataclasses import dataclass

from failover.reports.period import page_back, page_drills, page_estate, page_front
from failover.reports.period.content import Report, Seal
from failover.reports.period.language import Language
from failover.reports.period.layout import Facts, Section
from failover.reports.words import grouped


@dataclass(frozen=True)
class Page:
    """title, when: of the cover; heading: both. corner: id and version. foot: the chain's head. commands: how to
    verify it without the portal."""

    ident: str
    language: str
    title: str
    when: str
    heading: str
    under: str
    state: str
    lead: tuple[str, ...]
    corner: str
    foot: str
    made: str
    created: str
    cover: Facts
    sections: tuple[Section, ...]
    verify: str
    commands: tuple[str, ...]


def page(report: Report, seal: Seal) -> Page:
    """All of it, in the seal's language and the period's zone."""
    told = Language(seal.language, report.period.zone)
    parts = [
        page_front.comparison(report, told),
        *page_drills.sections(report, told),
        *page_estate.sections(report, told),
        *page_back.sections(report, seal, told),
    ]
    numbers = {one.title: str(number) for number, one in enumerate(parts, 2)}
    summary = page_front.summary(report, numbers, told)
    come = {one.section: one for one in report.sections if one.section in numbers}
    numbered = tuple(
        one.at(number, _gaps(report, one.title), come.get(one.title)) for number, one in enumerate([summary, *parts], 1)
    )
    when = told.period(report.period.kind, report.period.begins, report.period.ends)
    return Page(
        ident=report.ident,
        language=seal.language,
        title=report.title,
        when=when,
        heading=f"{report.title}, {when}",
        under=f"{report.verdict.words[:1].upper()}{report.verdict.words[1:]}",
        state=report.verdict.state,
        lead=report.lead,
        corner=f"{report.ident}, version {seal.version}",
        foot=f"Chain head {grouped(seal.head, 3)} {seal.head[-4:]}, record {told.number(seal.number)}",
        made=f"Made {told.full(seal.at)}",
        created=f"{seal.at:%Y-%m-%dT%H:%M:%SZ}",
        cover=page_front.cover(report, seal, told),
        sections=numbered,
        verify=verify(seal, told),
        commands=commands(report, seal),
    )


def _gaps(report: Report, title: str) -> tuple[str, ...]:
    return tuple(one.sentence for one in report.gaps if one.section == title)


def verify(seal: Seal, told: Language) -> str:
    """What vouches for it."""
    if not seal.key:
        return "It is not signed, for want of a key: only the chain of the portal's records vouches for it."
    record = told.number(seal.number)
    return f"SHA-256 and signature are in the JSON form; record {record} holds them, too. Key {grouped(seal.key, 4)}"


def commands(report: Report, seal: Seal) -> tuple[str, ...]:
    """On any machine with Python, the JSON form and the public key."""
    return (
        f"python3 holdfast_verify.py {report.ident}-v{seal.version}.json holdfast.pub",
        f"holdfast manage evidence_export report.json --subject report:{report.ident}",
        "python3 holdfast_verify.py report.json holdfast.pub",
    )
