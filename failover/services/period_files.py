"""The forms of a period report as bytes. They are made once, kept in the vault under their hash, and given out only as
they were kept."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string

from failover.models import PeriodReport, ReportFile
from failover.reports.period.facts import rows
from failover.reports.period.page import page
from failover.services.period_reports import Made
from failover.services.report_file import NEEDED, File, NoPdf, nothing, style
from portal.evidence import services as evidence
from portal.evidence.canonical import canonical
from portal.outbox.services import Attached

STYLES = ("holdfast/report.css", "holdfast/period.css")
PAPER = (*STYLES, "holdfast/report-paper.css")
PHONE, NARROW = "holdfast/report-phone.css", "screen and (max-width: 699px)"
FOLDER = "reports"  # in the vault


class Altered(Exception):
    """The vault does not give a file out as it was kept. Its text is one sentence, with what to do."""


def html(made: Made, row: PeriodReport) -> str:
    """The page in the portal."""
    return _rendered(made, "screen", row=row)


def _rendered(made: Made, form: str, **more: object) -> str:
    return render_to_string(
        "failover/period/report.html", {"report": page(made.report, made.seal), "form": form, **more}
    )


def html_file(made: Made) -> File:
    """One file with everything in it, for reading away from the portal."""
    styles = "\n".join(style(name) for name in STYLES)
    both = f'<style>\n{styles}</style>\n<style media="{NARROW}">\n{style(PHONE)}</style>\n'
    text = _rendered(made, "file").replace("</head>", f"{both}</head>", 1)
    return File(f"{_name(made)}.html", "text/html", text.encode())


def json_file(made: Made) -> File:
    """Canonical JSON, as docs/schema/period-report.json describes it."""
    return File(f"{_name(made)}.json", "application/json", canonical(made.document()))


def csv_file(made: Made) -> File:
    """All tables as (section, item, field, value), one fact a line."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows(made.report))
    return File(f"{_name(made)}.csv", "text/csv", out.getvalue().encode("utf-8-sig"))


def pdf_file(made: Made) -> File:
    """A4. Bytes are equal on machines with equal fonts and libraries. Raises NoPdf."""
    try:
        import weasyprint
    except (ImportError, OSError):
        raise NoPdf(NEEDED) from None
    styles = [weasyprint.CSS(string=style(name), url_fetcher=nothing) for name in PAPER]
    document = weasyprint.HTML(string=_rendered(made, "paper"), url_fetcher=nothing)
    raw: bytes = document.write_pdf(stylesheets=styles, pdf_identifier=made.seal.sha256[:32].encode())
    return File(f"{_name(made)}.pdf", "application/pdf", raw)


FORMS = {"pdf": pdf_file, "html": html_file, "csv": csv_file, "json": json_file}


def _name(made: Made) -> str:
    return f"{made.report.ident}-v{made.seal.version}"


def keep(row: PeriodReport, made: Made, form: str) -> ReportFile:
    """Makes a form and keeps it, unless that was done. Raises NoPdf, and OSError when the vault takes nothing."""
    kept = row.files.filter(form=form).first()
    if kept is not None:
        return kept
    file = FORMS[form](made)
    sha256 = hashlib.sha256(file.raw).hexdigest()
    _store(sha256, file.raw)
    fields = {"name": file.name, "kind": file.kind, "size": len(file.raw), "sha256": sha256}
    found, _ = ReportFile.objects.get_or_create(report=row, form=form, defaults=fields)
    return found


def _store(sha256: str, raw: bytes) -> None:
    path = Path(settings.HOLDFAST_VAULT) / FOLDER / sha256
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{sha256}.{os.getpid()}")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(raw)
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)


def attached(kept: ReportFile) -> Attached:
    """As mail carries it."""
    return Attached(kept.name, kept.kind, kept.sha256, f"{FOLDER}/{kept.sha256}")


def take(row: PeriodReport, kept: ReportFile, by: str, trace: Mapping[str, object]) -> File:
    """A file as it was kept; that it was taken is recorded first. Raises Altered."""
    try:
        raw = (Path(settings.HOLDFAST_VAULT) / FOLDER / kept.sha256).read_bytes()
    except OSError as error:
        words = f"The vault does not give {kept.name} out: {error.strerror or error}."
        raise Altered(f"{words} Bring it back from its backup, or have the report made anew.") from None
    if hashlib.sha256(raw).hexdigest() != kept.sha256:
        raise Altered(f"{kept.name} in the vault is not what was made: its SHA-256 differs. It is not given out.")
    body = {"file": kept.name, "sha256": kept.sha256, "content": row.sha256, **trace}
    evidence.append("report.downloaded", by, f"report:{row.ident}", body)
    return File(kept.name, kept.kind, raw)
