"""Where copies go and who can open them: destinations and recipients. No secret is ever shown."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from backups.forms_places import DestinationForm, RecipientForm
from backups.models import Destination, Recipient
from backups.services import decide, trying
from backups.services.pages_policies import PlaceRow, place_rows, where
from backups.views.acts import NOT_VALID, Act, done, page
from inventory.views.paths import Step, path
from inventory.views.titles import counted
from portal.access.admission import needs
from portal.access.services.people import acts_of
from portal.kernel.outcome import Outcome, worst

TAB = "destinations"
_ABOVE = (("Backups", "backups"), ("Destinations", "destinations"))


@needs("estate.view")
@require_safe
def destinations(request: HttpRequest) -> HttpResponse:
    """All places with what they hold, and everybody for whom copies are encrypted."""
    rows = place_rows(timezone.now())
    people = list(Recipient.objects.defer("private_key").order_by("pk"))
    bad = [row for row in rows if row.state not in ("ok", "waiting")]
    words = [Outcome(row.state) for row in rows if row.state != "waiting"]
    readers = [one for one in people if one.retired_at is None]
    context = {
        "section": "backups",
        "tab": TAB,
        "rows": rows,
        "people": people,
        "state": worst(words).value,
        "headline": _headline(len(rows), len(bad)),
        "lead": _lead(bad),
        "readers": readers,
        "acts": acts_of(request.user),
        "path": path(("Backups", "backups"), "Destinations"),
    }
    return render(request, "backups/destinations.html", context)


def _lead(bad: list[PlaceRow]) -> str:
    if not bad:
        return "Every copy is hashed at its place."
    return f"{bad[0].place.name}: {(bad[0].problem or bad[0].word).rstrip('.')}."


def _headline(total: int, bad: int) -> str:
    if not total:
        return "No place holds copies yet"
    return f"{counted(total, 'place')}, {bad} not as decided" if bad else f"{counted(total, 'place')} as decided"


@needs("backup.manage")
def new(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST saves the place."""
    form = DestinationForm(request.POST or None)
    return _form(request, form, "New destination", "Nothing is sent there until a policy names it. Try it first.")


@needs("backup.manage")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form; POST saves what was changed."""
    row = get_object_or_404(Destination.objects.exclude(kind=Destination.Kind.VAULT), pk=pk)
    form = DestinationForm(request.POST or None, instance=row)
    return _form(request, form, f"Edit {row.name}", "Copies stay where they are; moved, each is read back.")


def _form(request: HttpRequest, form: DestinationForm, headline: str, lead: str) -> HttpResponse:
    status = 200
    if request.method == "POST":
        if form.is_valid():
            place = decide.save_destination(form.apply(), request.user.get_username(), form.changed_data)
            messages.success(request, f"Destination {place.name} is saved. Try it before a policy relies on it.")
            return redirect("destinations")
        status = NOT_VALID
    context = {
        "section": "backups",
        "tab": TAB,
        "form": form,
        "state": "waiting",
        "headline": headline,
        "lead": lead,
        "button": "Save the destination",
        "back": reverse("destinations"),
        "path": [*path(*_ABOVE), Step(headline)],
    }
    return render(request, "backups/place_form.html", context, status=status)


@needs("backup.manage")
def attempt(request: HttpRequest, pk: int) -> HttpResponse:
    """Writes a small file there, reads it back and removes it."""
    row = get_object_or_404(Destination, pk=pk)
    folder = row.kind == Destination.Kind.DIRECTORY
    marker = [("no", "It is marked already"), ("yes", "Mark it now: its file system is mounted")]
    locked = ("A lock there may keep the probe until the lock ends.",) if row.lock_mode else ()
    act = Act(
        f"Try {row.name}?",
        where(row),
        (f"A file of {trying.SIZE} bytes is written to {row.name}, read back, and removed again.", *locked),
        ("No backup and no copy is touched.",),
        "The probe is removed at the end.",
        f"Try {row.name}",
        reverse("destinations"),
        [*path(*_ABOVE), Step(f"Try {row.name}")],
        choices=("marker", "The folder's marker", marker) if folder else None,
        tab=TAB,
    )
    if request.method != "POST":
        return page(request, act)
    who, marking = request.user.get_username(), request.POST.get("marker") == "yes"
    found: list[str] = []

    def deed() -> None:
        found.extend(trying.attempt(row, who, marking))
        messages.success(request, f"{row.name} works. {' '.join(found)}")

    return done(request, act, deed, "")


@needs("backup.manage")
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switches a place on or off."""
    row = get_object_or_404(Destination.objects.exclude(kind=Destination.Kind.VAULT), pk=pk)
    on = not row.enabled
    word = "on" if on else "off"
    off_will = ("Nothing is sent there, nothing is checked there, and nothing is removed there.",)
    act = Act(
        f"Switch {row.name} {word}?",
        where(row),
        ("Missing copies are sent there again, the newest first.",) if on else off_will,
        ("Copies that are there stay there.",),
        f"Switch it {'off' if on else 'on'} again.",
        f"Switch {row.name} {word}",
        reverse("destinations"),
        [*path(*_ABOVE), Step(f"Switch {row.name} {word}")],
        state="waiting" if on else "warn",
        danger=not on,
        typed="" if on else row.name,
        tab=TAB,
    )
    if request.method != "POST":
        return page(request, act)
    who = request.user.get_username()
    return done(request, act, lambda: decide.switch_destination(row, on, who),
                f"{row.name} is switched {word}.")  # fmt: skip


@needs("backup.manage")
def recipient(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST adds a custodian's public key."""
    form, status = RecipientForm(request.POST or None), 200
    if request.method == "POST":
        if form.is_valid():
            person = decide.save_recipient(form.save(commit=False), request.user.get_username())
            messages.success(request, f"{person.name} can open the copies that are made from now on.")
            return redirect("destinations")
        status = NOT_VALID
    context = {
        "section": "backups",
        "tab": TAB,
        "form": form,
        "state": "waiting",
        "headline": "New recipient",
        "lead": "Every copy made from now on can be opened with the private half of this key, too.",
        "button": "Add the recipient",
        "back": reverse("destinations"),
        "path": [*path(*_ABOVE), Step("New recipient")],
    }
    return render(request, "backups/place_form.html", context, status=status)


@needs("backup.manage")
def recipient_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Retires a recipient, or takes a retired one into use again."""
    row = get_object_or_404(Recipient.objects.defer("private_key"), pk=pk)
    own = ("The portal then verifies and rehearses no new copy: a custodian has to.",) if _own(row) else ()
    if row.retired_at is None:
        act = Act(
            f"Retire {row.name}?",
            f"Its private half is kept: {row.custody or 'not said'}.",
            ("Copies made from now on cannot be opened with its key.", *own),
            ("Copies that exist can be opened with it as before: keep the private half as long as they are kept.",),
            "Use it again on the same page.",
            f"Retire {row.name}",
            reverse("destinations"),
            [*path(*_ABOVE), Step(row.name)],
            state="warn",
            danger=True,
            typed=row.name,
            tab=TAB,
        )
        deed, told = decide.retire_recipient, f"{row.name} is retired."
    else:
        act = Act(
            f"Use {row.name} again?",
            f"Its private half is kept: {row.custody or 'not said'}.",
            ("Copies made from now on can be opened with its key, too.",),
            ("Copies made while it was retired cannot.",),
            "Retire it again.",
            f"Use {row.name} again",
            reverse("destinations"),
            [*path(*_ABOVE), Step(row.name)],
            tab=TAB,
        )
        deed, told = decide.use_recipient, f"{row.name} is used again."
    if request.method != "POST":
        return page(request, act)
    who = request.user.get_username()
    return done(request, act, lambda: deed(row, who), told)


def _own(row: Recipient) -> bool:
    return Recipient.objects.filter(pk=row.pk).exclude(private_key="").exists()
