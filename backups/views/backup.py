"""One backup: every rung with its sentence, its copies, its rehearsals, and what engine-backup printed."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from backups.models import Backup
from backups.services import accept
from backups.services.pages_backup import BackupPage, backup_page, stream_of
from backups.services.pages_catalog import Row
from backups.views import drawing
from inventory.templatetags.holdfast import full
from inventory.views.paths import Step, path
from portal.access.admission import needs
from portal.access.services.people import acts_of


@needs("estate.view")
@require_safe
def backup(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about one backup."""
    try:
        page = backup_page(pk, timezone.now())
    except Backup.DoesNotExist:
        raise Http404("There is no such backup.") from None
    row = page.row
    context = {
        "section": "backups",
        "tab": "catalog",
        "page": page,
        "row": row,
        "backup": row.backup,
        "marks": drawing.marks(row.ladder),
        "state": row.shape,
        "headline": headline(row),
        "lead": lead(page),
        "acts": acts_of(request.user),
        "size_doubted": not accept.refused(row.backup),
        "path": trail(row.backup),
    }
    return render(request, "backups/backup.html", context)


def trail(backup: Backup, *more: str) -> list[Step]:
    """The path to a backup, and to an act on it."""
    url = reverse("backup", args=[backup.pk]) if more else ""
    return [*path(("Backups", "backups")), Step(backup.ident, url), *(Step(title) for title in more)]


def headline(row: Row) -> str:
    """What it is proven to, in a few words."""
    ident, ladder = row.backup.ident, row.ladder
    if row.backup.deleted_at is not None:
        return f"{ident} was deleted"
    if row.backup.status == Backup.Status.STARTED:
        return f"{ident} is being taken" if row.shape == "running" else f"{ident} began, and nobody saw it end"
    if row.backup.status == Backup.Status.FAILED:
        return f"{ident} failed"
    if ladder.proven == 5:
        return f"{ident} is proven restorable"
    bad = ladder.first_bad
    if bad is not None:
        verb = "fails" if bad.kind == "fail" else "is not known"
        return f"{ident} {verb} at {bad.mark}, {bad.title[0].lower()}{bad.title[1:]}"
    return f"{ident} is proven to {ladder.word}, not restored yet" if ladder.proven else f"{ident} is not verified yet"


def lead(page: BackupPage) -> str:
    """Since when, and what to do."""
    row = page.row
    if row.backup.deleted_at is not None:
        return f"Its archive was deleted at {full(row.backup.deleted_at)}; the entry and its evidence stay."
    if row.second:
        return f"{row.second} {row.backup.what_to_do}".strip()
    if row.backup.status == Backup.Status.STARTED:
        return "Its lines and steps stand on the page of its run."
    proven = row.backup.proven_at
    if row.ladder.proven == 5 and proven is not None:
        return f"Every dump was restored in scratch and counted at {full(proven)}."
    return "Rehearse a restore: only then is it known that the data comes back."


@needs("estate.view")
@require_safe
def output(request: HttpRequest, pk: int, call: str, stream: str) -> HttpResponse:
    """What engine-backup wrote, whole, as a file."""
    row = get_object_or_404(Backup.objects.only("pk", "ident", "output"), pk=pk)
    text = stream_of(row, call, stream)
    if text is None:
        raise Http404("No such output was kept.")
    answer = HttpResponse(text, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{row.ident}-{call}-{stream}.txt"'
    return answer
