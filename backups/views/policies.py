"""Policies: the list, one policy with what it decides, its form, and the acts on it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from backups.forms import PolicyForm
from backups.models import Policy
from backups.services import decide, retain, schedule
from backups.services.pages_policies import SHOWN, going, policy_page, policy_rows
from backups.services.pages_schedule import spoken, upcoming
from backups.views.acts import NOT_VALID, Act, done, page
from inventory.models import Engine
from inventory.templatetags.holdfast import size
from inventory.views.paths import Step, path
from inventory.views.titles import counted
from portal.access.admission import needs
from portal.access.services.people import acts_of
from portal.kernel.outcome import worst
from portal.runs.models import Run


@needs("estate.view")
@require_safe
def policies(request: HttpRequest) -> HttpResponse:
    """All policies and how they stand."""
    rows = policy_rows(timezone.now())
    on = [row for row in rows if row.standing.policy.enabled]
    state = worst(row.standing.verdict.outcome for row in on).value
    bad = [row for row in on if row.standing.verdict.outcome.value != "ok"]
    headline = f"{counted(len(on), 'policy')}" if rows else "No policy backs an engine up"
    headline = headline.replace("policys", "policies")
    context = {
        "section": "backups",
        "tab": "policies",
        "rows": rows,
        "state": state,
        "headline": f"{headline} in force" if rows else headline,
        "lead": bad[0].standing.verdict.sentence
        if bad
        else "Each says when an engine is backed up, where copies go, how long.",
        "acts": acts_of(request.user),
        "path": path(("Backups", "backups"), "Policies"),
    }
    return render(request, "backups/policies.html", context)


@needs("estate.view")
@require_safe
def policy(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything that one policy decides, and what comes of it."""
    try:
        shown = policy_page(pk, timezone.now())
    except Policy.DoesNotExist:
        raise Http404("There is no such policy.") from None
    one = shown.row.standing.policy
    told = shown.row.standing.verdict
    context = {
        "section": "backups",
        "tab": "policies",
        "page": shown,
        "policy": one,
        "preview": shown.preview if request.GET.get("rows") == "all" else shown.preview[:SHOWN],
        "state": told.outcome.value,
        "headline": f"{one.name}: {_lower(told.title)}",
        "lead": told.sentence,
        "acts": acts_of(request.user),
        "path": _trail(one),
    }
    return render(request, "backups/policy.html", context)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _trail(one: Policy, *more: str) -> list[Step]:
    url = reverse("policy", args=[one.pk]) if more else ""
    above = path(("Backups", "backups"), ("Policies", "policies"))
    return [*above, Step(one.name, url), *(Step(title) for title in more)]


@needs("backup.manage")
def new(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST saves the policy."""
    zone = timezone.get_current_timezone_name()
    blank = Policy(zone=zone if "/" in zone else "UTC", engine=Engine.objects.order_by("pk").first())
    form = PolicyForm(request.POST or None, instance=blank)
    above = [*path(("Backups", "backups"), ("Policies", "policies")), Step("New policy")]
    return _form(request, form, above, "New policy", "It is in force as soon as it is saved.")


@needs("backup.manage")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form; POST saves what was changed."""
    row = get_object_or_404(Policy.objects.select_related("engine"), pk=pk)
    form = PolicyForm(request.POST or None, instance=row)
    lead = "What is changed holds from the next start on. No backup is deleted by saving."
    return _form(request, form, _trail(Policy.objects.get(pk=pk), "Edit"), f"Edit {row.name}", lead)


def _form(request: HttpRequest, form: PolicyForm, steps: list[Step], headline: str, lead: str) -> HttpResponse:
    status = 200
    if request.method == "POST":
        if form.is_valid():
            changed = [name for name in form.changed_data if name]
            places = form.cleaned_data["destinations"]
            saved = decide.save_policy(form.apply(), places, request.user.get_username(), changed)
            messages.success(request, f"Policy {saved.name} is saved.")
            return redirect("policy", saved.pk)
        status = NOT_VALID
    policy_ = form.instance
    context = {
        "section": "backups",
        "tab": "policies",
        "form": form,
        "state": "waiting",
        "headline": headline,
        "lead": lead,
        "path": steps,
        "button": f"Save {steps[-2].title}" if policy_.pk else "Save the policy",
        "back": reverse("policy", args=[policy_.pk]) if policy_.pk else reverse("policies"),
        "cron": _told(form["cron"].value() or "", form["zone"].value() or ""),
    }
    return render(request, "backups/policy_form.html", context, status=status)


@needs("backup.manage")
@require_safe
def cron(request: HttpRequest) -> HttpResponse:
    """What a schedule means, or what is wrong with it, while it is being typed."""
    context = {"cron": _told(request.GET.get("cron", "")[:120], request.GET.get("zone", "")[:60])}
    return render(request, "backups/_cron.html", context)


def _told(expression: str, zone: str) -> dict[str, object]:
    trial = Policy(cron=expression.strip(), zone=zone, blackouts=[], name="This schedule")
    wrong = schedule.problem(trial)
    if wrong:
        return {"wrong": wrong}
    return {"words": spoken(trial.cron), "starts": upcoming(trial, timezone.now()), "zone": zone}


@needs("backup.manage")
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switches a policy on or off."""
    row = get_object_or_404(Policy.objects.select_related("engine"), pk=pk)
    on = not row.enabled
    word = "on" if on else "off"
    off_will = ("Nothing starts by itself: no backup, no copy, no rehearsal, no deletion.",)
    act = Act(
        f"Switch {row.name} {word}?",
        f"It backs up {row.engine.name}, {spoken(row.cron)}.",
        ("Backups start as planned from now on; starts that passed meanwhile are not missed.",) if on else off_will,
        ("No backup is deleted.", "A run that is under way goes on to its end."),
        f"Switch it {'off' if on else 'on'} again.",
        f"Switch {row.name} {word}",
        reverse("policy", args=[pk]),
        _trail(row, f"Switch {word}"),
        state="waiting" if on else "warn",
        danger=not on,
        typed="" if on else row.name,
        tab="policies",
    )
    if request.method != "POST":
        return page(request, act)
    who = request.user.get_username()
    return done(request, act, lambda: decide.switch_policy(row, on, who),
                f"Policy {row.name} is switched {word}.")  # fmt: skip


@needs("run.start")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """GET says what a deletion of obsolete backups would remove; POST starts it."""
    row = get_object_or_404(Policy.objects.select_related("engine"), pk=pk)
    now = timezone.now()
    found = going(row, retain.preview(row, now), now)
    freed = sum(copy.size or 0 for one in found for copy in one.copies)
    act = Act(
        f"Delete {counted(len(found), 'obsolete backup')} of {row.name}?",
        f"{counted(sum(len(one.copies) for one in found), 'copy').replace('copys', 'copies')}, {size(freed)}. "
        "Every one is judged again before it goes.",
        ("Their copies are removed at every place that is switched on and does not lock them.",),
        ("What is VALID or KEEP stays.", "The newest proven backup stays, whatever the rule says.",
         "The entries and their evidence stay in the catalog."),
        "No undo: a deleted archive is gone.",
        f"Delete {counted(len(found), 'backup')} of {row.name}",
        reverse("policy", args=[pk]),
        _trail(row, "Delete obsolete"),
        state="warn",
        danger=True,
        typed=row.name,
        refused="" if found else f"Nothing of {row.name} is obsolete and removable now.",
        tab="policies",
        rows=found,
    )  # fmt: skip
    if request.method != "POST":
        return page(request, act)
    key = request.POST.get("key", "")[:200]

    def deed() -> Run:
        return retain.start(row, request.user.get_username(), key)

    return done(request, act, deed, "The deletion has been started.")
