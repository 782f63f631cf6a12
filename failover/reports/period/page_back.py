"""The last sections: the map of clauses, what is missing, evidence and how to verify it."""

from __future__ import annotations

from failover.reports.layout import Cell
from failover.reports.period.clauses import SECONDARY
from failover.reports.period.content import Clause, Report, Seal
from failover.reports.period.language import Language
from failover.reports.period.layout import Section, Table, columns, text
from failover.reports.words import counted, grouped, listed


def sections(report: Report, seal: Seal, told: Language) -> tuple[Section, ...]:
    """Clauses, what is missing, evidence."""
    return (_clauses(report), _missing(report), _evidence(report, seal, told))


def _clauses(report: Report) -> Section:
    unmet = sum(not one.met for one in report.clauses)
    met = len(report.clauses) - unmet
    return Section(
        "Clauses",
        tables=(
            Table(
                columns("Rule 5", "Asks for, in our words 8", "Shown by this report 7"),
                tuple(_clause(one) for one in report.clauses),
                none="No map of clauses is set.",
            ),
        ),
        note=f"{met} shown in whole, {unmet} not. Compliance compares each with the rule's own text before relying on"
        f" it; where the mark [{SECONDARY}] stands, that text was not read.",
    )


def _clause(one: Clause) -> tuple[Cell, ...]:
    word, state = ("shown", "ok") if one.met else ("not shown", "warn")
    return (
        Cell(f"{one.source}, {one.clause}", wide=True, more=f"read {one.read}: {one.where}"),
        Cell(one.asks, wide=True, more=f"[{SECONDARY}]" if one.secondary else ""),
        Cell(word, state, wide=True, more="; ".join(_words(each) for each in one.missing)),
    )


def _words(missing: str) -> str:
    """The sentence without the field's name, which the JSON form has."""
    return missing.partition(": ")[2]


def _missing(report: Report) -> Section:
    rows = tuple((text(one.section), text(one.sentence)) for one in report.gaps)
    return Section(
        "What is missing",
        tables=(Table(columns("Section 5", "What 15"), rows, none="Nothing that the portal knows to look for."),),
    )


def _evidence(report: Report, seal: Seal, told: Language) -> Section:
    held = report.evidence
    numbers = f"{told.number(held.first)} to {told.number(held.last)}" if held.records else ""
    return Section(
        "Evidence",
        facts=(
            ("Records of the period", text(f"{numbers}: {told.number(held.records)}" if numbers else "", "none")),
            ("Refusals among them", text(told.number(held.refused))),
            ("Signatures of the period", text(told.number(held.signatures))),
            ("Hashed", text("the member `content` of the JSON form of this report, in canonical JSON")),
            ("SHA-256 of it", Cell(grouped(seal.sha256), wide=True, mono=True)),
            ("Held by", text(f"record {told.number(seal.number)}, report.period_made, {told.full(seal.at)}")),
            ("Chain's head then", Cell(grouped(seal.head), wide=True, mono=True)),
            ("Key", Cell(grouped(seal.key), wide=True, mono=True) if seal.key else text("", "none: not signed")),
            ("Distribution", text(listed(report.distribution), "nobody is named")),
        ),
        note=f"Version {seal.version}. {counted(len(report.gaps), 'gap')} named above.",
    )
