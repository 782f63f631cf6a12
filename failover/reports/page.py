"""The report as it is laid out: numbered sections of facts and tables, all words decided here. Screen, paper and PDF
draw this same value."""

from __future__ import annotations

from dataclasses import dataclass

from failover.reports import page_annexes, page_back, page_front
from failover.reports.build import heading, lead
from failover.reports.content import Report, Seal
from failover.reports.layout import Section
from failover.reports.timeline import Plot, plot
from failover.reports.words import Times, counted, grouped


@dataclass(frozen=True)
class Page:
    """corner: id, version and change. foot: the chain's head. verify: lines of the box, commands last."""

    ident: str
    heading: str
    state: str
    lead: tuple[str, ...]
    corner: str
    foot: str
    made: str
    sections: tuple[Section, ...]
    plot: Plot | None
    verify: str
    commands: tuple[str, ...]
    created: str


def page(report: Report, seal: Seal) -> Page:
    """All of it, in the seal's zone."""
    times = Times(seal.zone)
    change = report.authority.change or "no change number"
    sections = [*page_front.sections(report, times), *page_back.sections(report, times)]
    numbered = [one.at(str(number)) for number, one in enumerate(sections, 1)]
    return Page(
        ident=report.ident,
        heading=heading(report),
        state=report.verdict.state,
        lead=lead(report),
        corner=f"{report.ident}, version {seal.version}, {change}",
        foot=f"Chain head {grouped(seal.head, 3)} {seal.head[-4:]}, record {seal.number:,}",
        made=f"Made {times.full(seal.at)}",
        sections=(*numbered, *page_annexes.sections(report), page_annexes.evidence(report, seal, times)),
        plot=plot(report),
        verify=_verify(report, seal),
        commands=_commands(report),
        created=f"{seal.at:%Y-%m-%dT%H:%M:%SZ}",
    )


def _verify(report: Report, seal: Seal) -> str:
    key = f"Ed25519 key {grouped(seal.key, 4)}" if seal.key else "not signed, for want of a key."
    records = counted(seal.records, "record")
    return f"{records} of this drill and its run {report.run}, {key} Annex E has the hashes in full."


def _commands(report: Report) -> tuple[str, ...]:
    drill = report.ident.rpartition("-")[2].lstrip("0")
    return (
        f"holdfast manage evidence_export drill.json --subject drill:{drill}",
        f"holdfast manage evidence_export run.json --subject run:{report.run}",
        "python3 holdfast_verify.py drill.json holdfast.pub; python3 holdfast_verify.py run.json holdfast.pub",
    )
