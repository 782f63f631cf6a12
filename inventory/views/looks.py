"""Raw evidence: the latest look of a probe, and the captures that transitions kept."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from inventory.models import Capture, Look
from inventory.probes import PROBES
from inventory.services.looks import every
from inventory.services.pages_history import transitions
from inventory.services.pages_looks import sections, stream_of
from inventory.services.pages_now import findings, known_probes, read, split
from inventory.views.paths import path
from portal.access.admission import needs
from portal.kernel.freshness import is_stale
from portal.kernel.outcome import worst

LATEST = 20
WORDS = {
    Look.State.NEVER: "not looked yet",
    Look.State.READ: "answered and read",
    Look.State.UNREADABLE: "answered, not readable",
    Look.State.UNANSWERED: "no answer",
}


BESIDE = {
    "ssh": "SSH visit",
    "switch": "Switch",
    "array": "Array",
    "redundancy": "Proof of redundancy",
    "replication": "Replication",
    "oracle_tuning": "Oracle tuning",
    "availability": "Availability",
    "engine_side": "The engine beside hosts, arrays and guests",
}


def title(probe: str) -> str:
    """A probe's title for people; its name when it is gone, or is the visit itself."""
    return PROBES[probe].title if probe in PROBES else BESIDE.get(probe, probe)


@needs("estate.view")
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """The latest look of one probe at one host or engine: findings, raw output, transitions."""
    row = get_object_or_404(Look.objects.select_related("host", "device", "vm", "engine"), pk=pk)
    now = timezone.now()
    found = read(findings().filter(look=row).order_by("check_name", "subject_key"), now)
    name = row.subject.name
    old = row.at is None or (row.probe in known_probes() and is_stale((now - row.at).total_seconds(), every(row.probe)))
    changes = transitions().filter(probe=row.probe, engine=row.engine, host=row.host)[:LATEST]
    context = {
        "section": "hosts" if row.host or row.vm else "luns" if row.device else "engine",
        "look": row,
        "old": old,
        "title": title(row.probe),
        "subject": name,
        "state": "unknown" if old or row.state != Look.State.READ else worst(one.outcome for one in found).value,
        "state_words": WORDS[Look.State(row.state)],
        "every": every(row.probe) if row.probe in known_probes() else None,
        "findings": split(found),
        "sections": sections(row.sections),
        "changes": changes,
        "path": path(_above(row), name),
        "raw_base": f"/looks/{row.pk}/raw",
    }
    return render(request, "inventory/look.html", context)


def _above(row: Look) -> tuple[str, str]:
    if row.host:
        return "Hosts", "hosts"
    if row.vm:
        return "Tuning", "tuning"
    return ("Switches and arrays", "devices") if row.device else ("Engine", "engine")


@needs("estate.view")
def capture(request: HttpRequest, sha: str) -> HttpResponse:
    """One capture and the transitions that point to it."""
    row = get_object_or_404(Capture, sha256=sha)
    context = {
        "section": "findings",
        "capture": row,
        "sections": sections(row.sections),
        "changes": transitions().filter(capture=row)[:LATEST],
        "path": path(("Findings", "findings"), "Capture"),
        "raw_base": f"/captures/{row.sha256}/raw",
    }
    return render(request, "inventory/capture.html", context)


@needs("estate.view")
def look_stream(request: HttpRequest, pk: int, section: str, stream: str) -> HttpResponse:
    """One stream of the latest look, as it came."""
    row = get_object_or_404(Look, pk=pk)
    return _download(stream_of(row.sections, section, stream), f"look-{row.pk}-{section}-{stream}")


@needs("estate.view")
def capture_stream(request: HttpRequest, sha: str, section: str, stream: str) -> HttpResponse:
    """One stream of a capture, as it came."""
    row = get_object_or_404(Capture, sha256=sha)
    return _download(stream_of(row.sections, section, stream), f"capture-{sha[:12]}-{section}-{stream}")


def _download(raw: bytes | None, name: str) -> HttpResponse:
    if raw is None:
        raise Http404("There is no such stream.")
    response = HttpResponse(raw, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{name}.txt"'
    return response
