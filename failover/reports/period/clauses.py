"""The map of clauses: which rule asks for what, and which fields of the report show it. It is data (clauses.toml), so
that a bank's compliance can correct it; what the portal makes of it is here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from failover.reports.period import content
from failover.reports.period.content import Report
from failover.reports.period.fields import FIELDS

SECONDARY = "secondary source: compliance check needed"
TEXTS = ("id", "source", "clause", "asks", "where")


class WrongMap(ValueError):
    """The map cannot be used. Its text is one sentence that names the clause."""


@dataclass(frozen=True)
class Clause:
    """read: when, as 2026-11-20; where: in which text it was read. secondary: not in the law's own."""

    ident: str
    source: str
    clause: str
    asks: str
    read: str
    where: str
    secondary: bool
    fields: tuple[str, ...]

    @property
    def mark(self) -> str:
        """What stands behind it where the law's own text was not read."""
        return f"[{SECONDARY}]" if self.secondary else ""


def parse(text: str) -> tuple[Clause, ...]:
    """The map from its file's text. Raises WrongMap."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WrongMap(f"The map of clauses is no TOML: {error}.") from None
    rows = found.get("clause")
    if not isinstance(rows, list) or not rows:
        raise WrongMap("The map of clauses holds no [[clause]].")
    clauses = tuple(_clause(row, number) for number, row in enumerate(rows, 1))
    twice = {one.ident for one in clauses if sum(one.ident == other.ident for other in clauses) > 1}
    if twice:
        raise WrongMap(f"The clause {min(twice)} stands twice in the map.")
    return clauses


def _clause(row: Mapping[str, Any], number: int) -> Clause:
    name = f"Clause {row.get('id') or number}"
    for key in TEXTS:
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise WrongMap(f"{name} of the map has no {key}.")
    if not isinstance(row.get("read"), date):
        raise WrongMap(f"{name} of the map has no date in `read`: write it as 2026-11-20.")
    if not isinstance(row.get("secondary"), bool):
        raise WrongMap(f"{name} of the map does not say whether its source is secondary: true or false.")
    fields = row.get("fields")
    if not isinstance(fields, list) or not fields:
        raise WrongMap(f"{name} of the map names no fields.")
    for one in fields:
        if one not in FIELDS:
            raise WrongMap(f"{name} of the map asks for the field {one!r}, which no report has.")
    texts = {key: " ".join(str(row[key]).split()) for key in TEXTS}
    return Clause(
        ident=texts["id"],
        source=texts["source"],
        clause=texts["clause"],
        asks=texts["asks"],
        read=row["read"].isoformat(),
        where=texts["where"],
        secondary=row["secondary"],
        fields=tuple(fields),
    )


def shown(clauses: tuple[Clause, ...], report: Report) -> tuple[content.Clause, ...]:
    """Each clause against a report: met when no field that it asks for is missing."""
    return tuple(_shown(one, report) for one in clauses)


def _shown(one: Clause, report: Report) -> content.Clause:
    said = [f"{name}: {missing}" for name in one.fields if (missing := FIELDS[name].missing(report))]
    return content.Clause(
        ident=one.ident,
        source=one.source,
        clause=one.clause,
        asks=one.asks,
        read=one.read,
        secondary=one.secondary,
        where=one.where,
        fields=one.fields,
        met=not said,
        missing=tuple(said),
    )
