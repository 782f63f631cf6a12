"""A report as bytes: HTML, JSON, PDF. The same version gives the same bytes; a download is recorded before
it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from failover.reports.page import page
from failover.services.report import Made
from portal.evidence import services as evidence
from portal.evidence.canonical import canonical
from portal.kernel.output import sha256

STYLES = ("holdfast/report.css", "holdfast/report-paper.css")
NEEDED = (
    "A PDF needs WeasyPrint and the library Pango, 1.44 or newer (docs/install.md names the packages). "
    "The same report can be read as a page, printed from there, and taken as JSON."
)


class NoPdf(Exception):
    """This machine makes no PDF. Its text is one sentence, with what to do."""


@dataclass(frozen=True)
class File:
    """A download."""

    name: str
    kind: str
    raw: bytes


def html(made: Made) -> str:
    """The page, for the screen and for printing from there."""
    return _rendered(made, paper=False)


def _rendered(made: Made, paper: bool) -> str:
    drill = int(made.report.ident.rpartition("-")[2])
    context = {"report": page(made.report, made.seal), "drill": drill, "paper": paper}
    return render_to_string("failover/report.html", context)


def json_file(made: Made) -> File:
    """Canonical JSON; SHA-256 of its `content`, in the same spelling, is in the evidence."""
    return File(f"{_name(made)}.json", "application/json", canonical(made.document()))


def pdf_file(made: Made) -> File:
    """A4. The dates in it are those of its record. Bytes are equal on machines with equal fonts and libraries. Raises
    NoPdf."""
    try:
        import weasyprint
    except (ImportError, OSError):
        raise NoPdf(NEEDED) from None
    styles = [weasyprint.CSS(string=style(name), url_fetcher=nothing) for name in STYLES]
    document = weasyprint.HTML(string=_rendered(made, paper=True), url_fetcher=nothing)
    raw: bytes = document.write_pdf(stylesheets=styles, pdf_identifier=made.seal.sha256[:32].encode())
    return File(f"{_name(made)}.pdf", "application/pdf", raw)


def style(name: str) -> str:
    """A style sheet's text. Raises NoPdf."""
    found = finders.find(name)
    if not isinstance(found, str):
        raise NoPdf(f"The style sheet {name} is missing from this installation: install it anew.")
    return Path(found).read_text("utf-8")


def nothing(url: str, *given: Any, **named: Any) -> Any:
    """A report brings everything with it: nothing is fetched."""
    raise ValueError(f"A report fetches nothing: {url[:80]}")


def _name(made: Made) -> str:
    return f"{made.report.ident}-v{made.seal.version}"


def taken(made: Made, file: File, drill: int, by: str, trace: Mapping[str, object]) -> None:
    """Records that `by` takes the file. To be called before the first byte is sent."""
    body = {"file": file.name, "sha256": sha256(file.raw), "content": made.seal.sha256, **trace}
    evidence.append("report.downloaded", by, f"drill:{drill}", body)
