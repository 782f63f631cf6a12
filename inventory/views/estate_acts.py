"""What people do to the estate's declarations: declare a host's paths, settle its key, ask for a look. Each is a plain
form; what was shown is what is done, or nothing is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from inventory.models import Device, Engine, Host, Vm
from inventory.services import allow_reads, host_keys, look_now
from inventory.services import declare as declaring
from inventory.views.paths import Step, path
from inventory.views.titles import counted
from portal.access.admission import needs
from portal.access.services import may

REFUSED = 409
NOT_VALID = 422


@needs("paths.declare")
def declare(request: HttpRequest, pk: int) -> HttpResponse:
    """GET says what declaring would add and drop; POST declares exactly that."""
    host = get_object_or_404(Host.objects.select_related("engine"), pk=pk)
    mistake, status = "", 200
    if request.method == "POST":
        person = request.user
        assert isinstance(person, User)
        given = request.POST.get("sha256", ""), request.POST.get("typed", "")
        try:
            done = declaring.declare(host, person, *given)
        except declaring.CannotDeclare as refusal:
            mistake = str(refusal)
            status = NOT_VALID if isinstance(refusal, declaring.NotConfirmed) else REFUSED
        else:
            messages.success(request, told(done))
            return redirect("host", pk)
    return render(request, "inventory/declare.html", _declare_context(host, mistake), status=status)


def told(done: declaring.Proposal) -> str:
    """What a declaration did, in one sentence."""
    return (
        f"{counted(done.seen, 'path')} of {done.host.name} are declared: {done.added} added, {done.dropped} dropped, "
        f"{done.kept} kept. A look follows at once."
    )


def _declare_context(host: Host, mistake: str) -> dict[str, Any]:
    context: dict[str, Any] = {
        "section": "hosts",
        "host": host,
        "mistake": mistake,
        "path": _path(host, "Declare paths"),
    }
    try:
        shown = declaring.proposal(host)
    except declaring.CannotDeclare as refusal:
        return context | {"state": "unknown", "headline": f"{host.name}: nothing can be declared", "lead": str(refusal)}
    state = "fail" if shown.dropped else "warn" if shown.dangers else "waiting"
    return context | {
        "shown": shown,
        "changed": [one for one in shown.luns if one.changes or one.down],
        "same": [one for one in shown.luns if not (one.changes or one.down)],
        "state": state if shown.changes else "ok" if not shown.dangers else "warn",
        "headline": _headline(shown),
        "lead": _lead(shown),
    }


def _headline(shown: declaring.Proposal) -> str:
    name = shown.host.name
    if not shown.changes:
        return f"{name}: what is seen is what is declared"
    if shown.dropped:
        return f"Declare {name}’s paths and drop {shown.dropped}?"
    if not shown.added:
        return f"Declare the speeds of {name}’s FC ports?"
    return f"Declare {counted(shown.added, 'more path')} of {name}?" if shown.declared else f"Declare {name}’s paths?"


def _lead(shown: declaring.Proposal) -> str:
    counts = f"{counted(shown.seen, 'path')} seen, {shown.declared} declared"
    if not shown.changes:
        return f"{counts}. There is nothing to declare."
    return (
        f"{counts}: {shown.added} would be added, {shown.dropped} dropped, {shown.kept} kept. From then on each that "
        "vanishes is a failure."
    )


@needs("hostkey.accept")
def host_key(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the pinned and the offered key; POST with act=accept, dismiss or pin does what it names."""
    host = get_object_or_404(Host.objects.select_related("engine"), pk=pk)
    mistake, status = "", 200
    if request.method == "POST":
        try:
            messages.success(request, _settle(request, host))
        except host_keys.KeyRefusal as refusal:
            mistake, status = str(refusal), REFUSED if isinstance(refusal, host_keys.AnotherKey) else NOT_VALID
            host.refresh_from_db()
        else:
            return redirect("host", pk)
    keys = host_keys.key_state(host)
    context = {
        "section": "hosts",
        "host": host,
        "keys": keys,
        "mistake": mistake,
        "line": request.POST.get("line", "")[: host_keys.LONGEST],
        "state": "fail" if keys.offered else "ok" if keys.pinned else "unknown",
        "headline": _key_headline(host, keys),
        "path": _path(host, "Host key"),
    }
    return render(request, "inventory/host_key.html", context, status=status)


def _settle(request: HttpRequest, host: Host) -> str:
    """Does the act that the form names; returns the sentence that confirms it. Raises KeyRefusal."""
    by, act, mark = request.user.get_username(), request.POST.get("act", ""), request.POST.get("fingerprint", "")
    if act == "dismiss":
        host_keys.dismiss(host, by, mark)
        return f"The offered key is dismissed; {host.name} keeps its pin. If it is offered again, it is shown again."
    if request.POST.get("typed", "").strip() != host.name:
        raise host_keys.KeyRefusal(f"Type {host.name} to confirm which host is meant. Nothing was changed.")
    taken = (
        host_keys.accept(host, by, mark) if act == "accept" else host_keys.pin(host, by, request.POST.get("line", ""))
    )
    return f"{taken.fingerprint} ({taken.kind}) is the pinned key of {host.name} now. A look follows at once."


def _key_headline(host: Host, keys: host_keys.KeyState) -> str:
    if keys.offered:
        return f"{host.name} offers another key" if keys.pinned else f"{host.name} offers a key that nobody has pinned"
    return f"{host.name} shows its pinned key" if keys.pinned else f"{host.name} has no pinned key"


@needs("estate.manage")
@require_POST
def host_reads(request: HttpRequest, pk: int) -> HttpResponse:
    """Allows that one block of each LUN of the host is read now and then, or no longer (act=allow or stop)."""
    host = get_object_or_404(Host, pk=pk)
    wanted = request.POST.get("act") == "allow"
    by, typed = request.user.get_username(), request.POST.get("typed", "")
    try:
        changed = allow_reads.allow(host, by, wanted=wanted, typed=typed)
    except allow_reads.NotAllowed as refusal:
        messages.error(request, str(refusal))
        return redirect("host", pk)
    words = "may be read: one block each, every 5 minutes" if wanted else "are read no more"
    if changed:
        messages.success(request, f"The LUNs of {host.name} {words}.")
    return redirect("host", pk)


@needs("look.now")
@require_POST
def look_host(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes all looks of the host due at once."""
    host = get_object_or_404(Host, pk=pk)
    _ask(request, host.name, lambda: look_now.look_at_host(host, request.user.get_username()))
    return redirect("host", pk)


@needs("look.now")
@require_POST
def look_engine(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes the looks due that the engine's page rests on."""
    engine = get_object_or_404(Engine, pk=pk)
    _ask(request, engine.name, lambda: look_now.look_at_engine(engine, request.user.get_username()))
    return redirect(f"{reverse('engine')}?engine={pk}")


@needs("look.now")
@require_POST
def look_device(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes the look at a switch or an array due at once."""
    device = get_object_or_404(Device, pk=pk)
    _ask(request, device.name, lambda: look_now.look_at_device(device, request.user.get_username()))
    return redirect("device", pk)


@needs("look.now")
@require_POST
def look_vm(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes the look at an Oracle VM due at once."""
    vm = get_object_or_404(Vm, pk=pk)
    _ask(request, vm.name, lambda: look_now.look_at_vm(vm, request.user.get_username()))
    return redirect("vm", pk)


def _ask(request: HttpRequest, name: str, deed: Callable[[], int]) -> None:
    try:
        planned = deed()
    except look_now.NothingPlanned as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request, f"{name} is looked at now by {counted(planned, 'look')}; answers follow within seconds."
        )


def _path(host: Host, title: str) -> list[Step]:
    return [*path(("Hosts", "hosts")), Step(host.name, reverse("host", args=[host.pk])), Step(title)]


def possible(request: HttpRequest) -> dict[str, bool]:
    """Which of these acts a page offers to the person."""
    return {
        "may_look": may(request.user, "look.now"),
        "may_manage": may(request.user, "estate.manage"),
        "may_declare": may(request.user, "paths.declare"),
        "may_settle_key": may(request.user, "hostkey.accept"),
    }
