"""What people do with backups. Each act has a page of its own that says what will happen before anything does."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from backups.models import Backup, Policy
from backups.services import accept, copies, download, hold, prove, take
from backups.views.backup import trail
from inventory.templatetags.holdfast import size
from inventory.views.paths import Step, path
from portal.access.admission import needs, trace
from portal.runs.models import Run
from portal.runs.services.refused import Refused

CONFLICT, NOT_VALID = 409, 422
_CONFLICTS = ("active", "state", "four_eyes", "evidence")


@dataclass(frozen=True)
class Act:
    """A confirm page. will, wont: sentences. typed: the name that must be typed, "" for none. ask: name, label, hint
    and longest length of one text field; optional: it may stay empty. choices: name, label and options of a select.
    refused: why it cannot be done at all. facts: what it is about. rows: the backups that go."""

    headline: str
    lead: str
    will: tuple[str, ...]
    wont: tuple[str, ...]
    undo: str
    button: str
    back: str
    steps: list[Step]
    state: str = "waiting"
    danger: bool = False
    typed: str = ""
    ask: tuple[str, str, str, int] | None = None
    optional: bool = False
    choices: tuple[str, str, list[tuple[str, str]]] | None = None
    refused: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    tab: str = "catalog"
    rows: Sequence[Any] = ()


def page(request: HttpRequest, act: Act, mistakes: tuple[str, ...] = (), status: int = 200) -> HttpResponse:
    """The confirm page; after a refusal with its sentences and what was entered."""
    given = request.POST if request.method == "POST" else {}
    context = {
        "section": "backups",
        "tab": act.tab,
        "act": act,
        "state": act.state,
        "headline": act.headline,
        "lead": act.lead,
        "mistakes": mistakes,
        "rows": act.rows,
        "key": given.get("key") or secrets.token_hex(16),
        "text": given.get(act.ask[0], "") if act.ask else "",
        "choice": given.get(act.choices[0], "") if act.choices else "",
        "path": act.steps,
    }
    return render(request, "backups/act.html", context, status=status)


def done(request: HttpRequest, act: Act, deed: Callable[[], Run | object], told: str) -> HttpResponse:
    """GET shows the confirm page. POST carries the act out and goes to the run that it started, else back; a refusal
    comes back to the page in words."""
    if request.method != "POST":
        return page(request, act)
    if act.refused:
        return page(request, act, (act.refused,), CONFLICT)
    if act.typed and request.POST.get("typed", "").strip() != act.typed:
        return page(request, act, (f"Type {act.typed} to confirm which one is meant. Nothing was done.",), NOT_VALID)
    try:
        result = deed()
    except Refused as refusal:
        return page(request, act, tuple(refusal.sentences), CONFLICT if refusal.kind in _CONFLICTS else NOT_VALID)
    if told:
        messages.success(request, told)
    return redirect("run", result.pk) if isinstance(result, Run) else redirect(act.back)


def _who(request: HttpRequest) -> str:
    return request.user.get_username()


def _key(request: HttpRequest) -> str:
    return request.POST.get("key", "")[:200]


def _backup(pk: int) -> Backup:
    return get_object_or_404(Backup.objects.select_related("engine", "policy").defer("output", "things"), pk=pk)


def _not_there(backup: Backup) -> str:
    """Why nothing can be done with its archive; "" when something can."""
    if backup.deleted_at is not None:
        return f"{backup.ident} was deleted, so there is no archive."
    if backup.status != Backup.Status.DONE:
        return f"{backup.ident} is {backup.status}: only a backup that is DONE has an archive."
    return ""


@needs("run.start")
def new(request: HttpRequest, policy: int) -> HttpResponse:
    """Takes a backup now, as its policy says."""
    row = get_object_or_404(Policy.objects.select_related("engine"), pk=policy)
    engine = row.engine.name
    act = Act(
        f"Back up {engine} now?",
        f"As policy {row.name} says. The run can be watched, held and aborted.",
        (
            f"engine-backup runs on the engine VM and writes an archive into {row.directory}.",
            "The archive is fetched, encrypted for every recipient, and verified; copies follow to each destination.",
        ),
        ("The engine is not stopped.", "No other backup is touched."),
        "An abort ends engine-backup and removes what it left.",
        f"Back up {engine}",
        reverse("backups"),
        [*path(("Backups", "backups")), Step(f"Back up {engine}")],
        ask=(
            "change",
            "Change number",
            "Of the change that it is taken before; leave it empty when there is none.",
            80,
        ),
        optional=True,
    )
    if request.method != "POST":
        return page(request, act)
    change = request.POST.get("change", "").strip()[:80]
    reason = Backup.Reason.CHANGE if change else Backup.Reason.PERSON

    def deed() -> Run:
        return take.start(row, _who(request), reason, change, key=_key(request))

    return done(request, act, deed, f"The backup of {engine} has been started.")


@needs("run.start")
def verify(request: HttpRequest, pk: int) -> HttpResponse:
    """Climbs the ladder again on the vault's copy."""
    row = _backup(pk)
    act = Act(
        f"Verify {row.ident} again?",
        "All nine rungs are climbed anew on the copy in the vault.",
        ("The copy is opened and read to its end; the results replace those on its page.",),
        ("Nothing is changed on the engine or at any destination.", "Nothing is restored."),
        "No undo is needed: reading changes nothing.",
        f"Verify {row.ident}",
        reverse("backup", args=[pk]),
        trail(row, "Verify again"),
        refused=_not_there(row),
    )
    return done(request, act, lambda: prove.verify(row, _who(request), _key(request)),
                f"The verification of {row.ident} has been started.")  # fmt: skip


@needs("run.start")
def rehearse(request: HttpRequest, pk: int) -> HttpResponse:
    """Restores every dump into a scratch server."""
    row = _backup(pk)
    act = Act(
        f"Rehearse a restore of {row.ident}?",
        "Every dump is restored into a scratch PostgreSQL that the portal starts for it, counted and compared.",
        (
            "A private server without network runs on the portal's machine; it and all its files are removed after.",
            "Rows are counted per table and held against the inventory and the rehearsal before.",
        ),
        ("No engine machine is touched.", "The archive and its copies stay as they are."),
        "The scratch server is removed however the run ends.",
        f"Rehearse restore of {row.ident}",
        reverse("backup", args=[pk]),
        trail(row, "Rehearse restore"),
        refused=_not_there(row),
    )
    return done(request, act, lambda: prove.rehearse(row, _who(request), _key(request)),
                f"The rehearsal of {row.ident} has been started.")  # fmt: skip


@needs("backup.hold")
def keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Holds a backup, so that retention does not touch it."""
    row = _backup(pk)
    act = Act(
        f"Keep {row.ident}?",
        "A kept backup is never obsolete; it stays until a person releases it.",
        ("Retention says KEEP, with your reason, and no deletion takes it.",),
        ("No copy is moved or made.", "An object lock at a destination stays as it is."),
        "Release it on the same page.",
        f"Keep {row.ident}",
        reverse("backup", args=[pk]),
        trail(row, "Keep"),
        ask=("why", "Why it is kept", "Such as the audit or the change that needs it.", hold.LONGEST),
        refused=_not_there(row),
    )
    why = request.POST.get("why", "")
    return done(request, act, lambda: hold.keep(row, _who(request), why),
                f"{row.ident} is kept.")  # fmt: skip


@needs("backup.hold")
def accept_size(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the archive's size for right though it is unlike those before."""
    row = _backup(pk)
    act = Act(
        f"Accept the size of {row.ident}?",
        f"It has {size(row.size)}. {accept.doubt(row)}".strip(),
        ("The ladder is climbed again with that, and the trend of sizes begins anew with this backup.",),
        (
            "Less than the least size of the policy is not accepted: the policy says that.",
            "No other rung is passed over.",
        ),
        "Nothing takes the acceptance back; it is in the evidence with your name and reason.",
        f"Accept the size of {row.ident}",
        reverse("backup", args=[pk]),
        trail(row, "Accept size"),
        ask=("why", "What changed", "Such as 400 VMs that were deleted under CHG0034817.", accept.LONGEST),
        refused=_not_there(row) or accept.refused(row),
    )
    why = request.POST.get("why", "")
    return done(request, act, lambda: accept.size(row, _who(request), why, _key(request)),
                f"The size of {row.ident} is accepted; it is verified again.")  # fmt: skip


@needs("backup.hold")
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """Lets a kept backup go."""
    row = _backup(pk)
    act = Act(
        f"Release {row.ident}?",
        f"It is kept: {row.keep} ({row.keep_by})." if row.keep else f"Nobody keeps {row.ident}.",
        ("Retention decides about it again; when it is obsolete, the next deletion takes it.",),
        ("Nothing is deleted by the release itself.",),
        "Keep it again while it is still there.",
        f"Release {row.ident}",
        reverse("backup", args=[pk]),
        trail(row, "Release"),
        state="warn" if row.keep else "unknown",
        refused="" if row.keep else f"Nobody keeps {row.ident}, so there is nothing to release.",
    )
    return done(request, act, lambda: hold.release(row, _who(request)),
                f"{row.ident} is released.")  # fmt: skip


@needs("run.start")
def copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Sends the vault's encrypted file to one more destination."""
    row = _backup(pk)
    places = copies.places_for(row)
    nowhere = "" if places else "No place that is switched on lacks a copy that could be sent to it."
    act = Act(
        f"Copy {row.ident} to another place?",
        "The encrypted file is sent there as it is and hashed there; into the vault, from a place that holds it.",
        ("The file is written at the destination, resumed when the link breaks, and read back.",),
        ("Nothing is decrypted.", "No other file there is touched."),
        "The copy is removed by retention, or by hand at the destination.",
        f"Copy {row.ident}",
        reverse("backup", args=[pk]),
        trail(row, "Copy"),
        choices=("destination", "Destination", [(str(each.pk), each.name) for each in places]),
        refused=_not_there(row) or nowhere,
    )
    if request.method != "POST":
        return page(request, act)
    there = next((each for each in places if str(each.pk) == request.POST.get("destination")), None)
    if there is None and not act.refused:
        return page(request, act, ("Choose a destination from the list. Nothing was started.",), NOT_VALID)

    def deed() -> Run:
        assert there is not None
        return copies.push(row, there, _who(request), _key(request))

    return done(request, act, deed, f"The copy of {row.ident} has been started.")


@needs("backup.download")
def fetch(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hands out the encrypted file as it lies in the vault; that it was handed out is recorded first."""
    row = _backup(pk)
    held = download.copy_of(row)
    act = Act(
        f"Download {row.ident}?",
        "The file is encrypted as it lies in the vault. Whoever can decrypt it holds the CA's private key and every "
        "password of the engine's databases.",
        ("The encrypted file comes to your machine, and the evidence records that you took it.",),
        ("Nothing is decrypted.", "The copy in the vault stays."),
        "No undo: what has left the portal cannot be called back.",
        f"Download {row.ident}",
        reverse("backup", args=[pk]),
        trail(row, "Download"),
        state="warn",
        danger=True,
        refused="" if held else f"The vault holds no copy of {row.ident}.",
        facts=(
            ("File", held.name),
            ("Size", size(held.size)),
            ("SHA-256", held.sha256),
            ("Who can decrypt it", ", ".join(held.recipients) or "not known"),
        )
        if held
        else (),
    )
    if request.method != "POST":
        return page(request, act)
    if act.refused:
        return page(request, act, (act.refused,), CONFLICT)
    try:
        return sent(row, download.begin(row, _who(request), trace(request)))
    except download.NoFile as refusal:
        return page(request, act, (str(refusal),), CONFLICT)


def sent(row: Backup, parcel: download.Parcel) -> StreamingHttpResponse:
    """The file as a response, in pieces."""
    pieces: Iterator[bytes] = parcel.pieces()
    answer = StreamingHttpResponse(pieces, content_type="application/octet-stream")
    answer["Content-Length"] = str(parcel.size)
    answer["Content-Disposition"] = f'attachment; filename="{parcel.name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
