"""The recovery-day kit: is it fit for the day, what it holds, what changed; collecting, declaring, downloading."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from backups.forms_kit import DeclaredForm
from backups.models import Kit
from backups.services import kit as kits
from backups.services import kit_declared
from backups.services.pages_kit import chosen, engines, kit_page, row_of
from backups.views.acts import CONFLICT, NOT_VALID, Act, done, page
from inventory.models import Engine
from inventory.templatetags.holdfast import full
from inventory.views.paths import Step, path
from portal.access.admission import needs, trace
from portal.access.services.people import acts_of

TAB = "kit"


@needs("estate.view")
@require_safe
def newest(request: HttpRequest) -> HttpResponse:
    """The newest kit of the engine that ?engine= names."""
    engine = chosen(request.GET)
    row = kits.newest(engine) if engine else None
    if row is None:
        return render(request, "backups/kit_none.html", _nothing(request, engine))
    return _shown(request, row_of(row.pk), path(("Backups", "backups"), "Recovery kit"))


@needs("estate.view")
@require_safe
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """A kit of the history, judged by the clock of now."""
    try:
        row = row_of(pk)
    except Kit.DoesNotExist:
        raise Http404("There is no such kit.") from None
    return _shown(request, row, _trail(row.engine, full(row.at)))


def _shown(request: HttpRequest, row: Kit, steps: list[Step]) -> HttpResponse:
    told = kit_page(row, timezone.now())
    verdict = told.page.verdict if told.page else None
    lead = verdict.sentence if verdict else "What it held is no longer kept; its changes are."
    if told.stale:
        lead = f"A newer kit is there: use that one on the day. {lead}"
    context = {
        "section": "backups",
        "tab": TAB,
        "told": told,
        "row": row,
        "shown": told.page,
        "state": verdict.outcome.value if verdict else "unknown",
        "headline": f"{row.engine.name}: {_small(verdict.headline) if verdict else 'this kit is emptied'}",
        "lead": lead,
        "engines": list(engines()),
        "acts": acts_of(request.user),
        "path": steps,
    }
    return render(request, "backups/kit.html", context)


def _small(text: str) -> str:
    """In the middle of a sentence."""
    return text[:1].lower() + text[1:]


def _nothing(request: HttpRequest, engine: Engine | None) -> dict[str, object]:
    return {
        "section": "backups",
        "tab": TAB,
        "engine": engine,
        "engines": list(engines()),
        "state": "unknown",
        "headline": f"{engine.name}: no kit was collected yet" if engine else "No engine is connected",
        "lead": "On the day when the engine is lost, nothing would be at hand."
        if engine
        else "A kit is collected of an engine and its hosts.",
        "acts": acts_of(request.user),
        "path": path(("Backups", "backups"), "Recovery kit"),
    }


def _trail(engine: Engine, *more: str) -> list[Step]:
    here = f"{reverse('recovery-kit')}?engine={engine.pk}"
    return [*path(("Backups", "backups")), Step("Recovery kit", here), *(Step(title) for title in more)]


@needs("run.start")
def collect(request: HttpRequest, engine: int) -> HttpResponse:
    """Asks everybody anew and signs a new bundle."""
    row = get_object_or_404(Engine, pk=engine)
    act = Act(
        f"Collect the kit of {row.name} now?",
        "It is collected by itself after each backup, and once a day.",
        (
            "The engine VM and every watched host are asked over SSH, the engine over its API; all of it only reads.",
            "A new bundle is signed and laid into the vault; the one before stays.",
        ),
        ("Nothing is changed on the engine VM or on any host.", "Passwords in the hosts' files are masked there."),
        "The kit before stays as it is.",
        f"Collect the kit of {row.name}",
        reverse("recovery-kit"),
        _trail(row, "Collect"),
        tab=TAB,
    )
    if request.method != "POST":
        return page(request, act)
    who, key = request.user.get_username(), request.POST.get("key", "")[:200]
    return done(request, act, lambda: kits.start(row, who, key), f"The kit of {row.name} is being collected.")


@needs("estate.view")
@require_POST
def bundle(request: HttpRequest, pk: int) -> HttpResponse:
    """Hands out the signed bundle; that it was taken is recorded first."""
    try:
        row = row_of(pk)
    except Kit.DoesNotExist:
        raise Http404("There is no such kit.") from None
    try:
        return sent(row, kits.bundle(row, request.user.get_username(), trace(request)))
    except kits.NoBundle as refusal:
        messages.error(request, str(refusal))
        answer = _shown(request, row, _trail(row.engine, full(row.at)))
        answer.status_code = CONFLICT
        return answer


def sent(row: Kit, raw: bytes) -> HttpResponse:
    """The bundle as a response."""
    answer = HttpResponse(raw, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{row.bundle}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@needs("backup.manage")
def declare(request: HttpRequest, engine: int) -> HttpResponse:
    """GET shows the form; POST saves what was declared."""
    row = get_object_or_404(Engine, pk=engine)
    form = DeclaredForm(request.POST or None, instance=kit_declared.of(row))
    back, status = f"{reverse('recovery-kit')}?engine={row.pk}", 200
    if request.method == "POST":
        if form.is_valid():
            kit_declared.save(form.apply(), request.user.get_username(), form.changed_data)
            messages.success(request, "What was declared is saved. The next kit holds it: collect it now, or wait.")
            return redirect(back)
        status = NOT_VALID
    context = {
        "section": "backups",
        "tab": TAB,
        "form": form,
        "state": "waiting",
        "headline": f"What only people know about {row.name}",
        "lead": "It stands in the kit beside what is collected, with your name and today's date.",
        "button": "Save what was declared",
        "back": back,
        "path": _trail(row, "Declare"),
    }
    return render(request, "backups/kit_declare.html", context, status=status)
