"""Making a period report: its content from the rows, kept with the row and sealed in the evidence. Every form is made
from that content: made again from the same content, it has the same bytes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from backups.services.clock import now as database_now
from failover.models import PeriodReport
from failover.reports.period import clauses
from failover.reports.period.build import build
from failover.reports.period.content import FORMAT, Report, Seal
from failover.services import report_rows
from portal.evidence import services as evidence
from portal.evidence import signing
from portal.evidence.canonical import canonical, digest, plain
from portal.kernel import facts

MADE = "report.period_made"
STATEMENT = "holdfast-period-report-seal-1"
OWN_MAP = Path(__file__).resolve().parent.parent / "reports" / "period" / "clauses.toml"


@dataclass(frozen=True)
class Made:
    """A report and how the evidence holds it."""

    report: Report
    seal: Seal
    content: Any

    def document(self) -> dict[str, Any]:
        """The JSON form; `content` is what was hashed."""
        return {"format": FORMAT, "content": self.content, "made": plain(asdict(self.seal))}


def clause_map() -> tuple[clauses.Clause, ...]:
    """The map of clauses: the bank's own where the settings name one. Raises clauses.WrongMap."""
    path = Path(settings.HOLDFAST_CLAUSES) if settings.HOLDFAST_CLAUSES else OWN_MAP
    try:
        return clauses.parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise clauses.WrongMap(f"The map of clauses {path.name} cannot be read: {error}.") from None


def make(row: PeriodReport, by: str) -> Made:
    """The content of a report that has none yet, and its seal. Raises clauses.WrongMap. A report that has its content
    keeps it."""
    if row.content is None:
        report = build(report_rows.given(row), clause_map())
        _sealed(row, plain(asdict(report)), by)
    return read(row)


def _sealed(row: PeriodReport, content: Any, by: str) -> None:
    sha256 = digest(content)
    subject = f"report:{row.ident}"
    with transaction.atomic():
        locked = PeriodReport.objects.select_for_update(of=("self",)).get(pk=row.pk)
        if locked.content is None:
            key = signing.private_key()
            name = signing.key_id(key) if key else ""
            statement = {"type": STATEMENT, "key": name, "sha256": sha256}
            body = {
                "version": row.version,
                "format": FORMAT,
                "sha256": sha256,
                "key": name,
                "signature": signing.sign(key, canonical(statement)) if key else "",
                "language": row.language,
            }
            held = evidence.append(MADE, by, subject, body)
            evidence.seal(subject)
            seal = Seal(
                version=row.version,
                sha256=sha256,
                number=held.number,
                head=held.sha256,
                at=held.at,
                key=name,
                signature=str(body["signature"]),
                language=row.language,
            )
            fields = {"content": content, "seal": plain(asdict(seal)), "sha256": sha256, "made_at": database_now()}
            PeriodReport.objects.filter(pk=row.pk).update(**fields)
    row.refresh_from_db()


def read(row: PeriodReport) -> Made:
    """A report that was made, from what is stored. Raises TypeError or KeyError where another version of Holdfast wrote
    it in another form."""
    return Made(facts.load(Report, row.content), facts.load(Seal, row.seal), row.content)
