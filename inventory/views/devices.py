"""Switches and arrays: the list, one of them, and the certificate that is pinned for it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from inventory.models import Device, Look
from inventory.services import device_trust
from inventory.services.devices import seen
from inventory.services.looks import every, stale_sentence
from inventory.services.pages_now import findings, read, split
from inventory.views.paths import Step, path
from portal.access.admission import needs
from portal.access.services import may
from portal.kernel.freshness import is_stale
from portal.kernel.outcome import GRAVE, Outcome, worst
from portal.kernel.san import ArraySeen, SwitchSeen

NOT_VALID = 422
TAB = "devices"
PORTS = 48  # rows of a switch's ports that a page shows


@needs("estate.view")
def devices(request: HttpRequest) -> HttpResponse:
    """All switches and arrays with the state of their latest look."""
    now = timezone.now()
    looks = {look.device_id: look for look in Look.objects.filter(device__isnull=False).defer("sections", "facts")}
    said: dict[int, list[Any]] = {}
    for one in read(findings().filter(look__in=[look.pk for look in looks.values()]), now):
        said.setdefault(one.look, []).append(one)
    rows = []
    for device in Device.objects.select_related("site", "engine"):
        look = looks.get(device.pk)
        state, words = _state(look, said.get(look.pk, []) if look else [], now)
        rows.append((device, look, state, words))
    state = worst(Outcome(row[2]) for row in rows).value if rows else "unknown"
    context = {
        "section": "luns",
        "tab": TAB,
        "rows": rows,
        "state": state,
        "headline": "Switches and arrays" if rows else "No switch and no array is declared",
        "may_manage": may(request.user, "estate.manage"),
        "path": path(("LUNs", "luns"), "Switches and arrays"),
    }
    return render(request, "inventory/devices.html", context)


def _state(look: Look | None, found: list[Any], now: Any) -> tuple[str, str]:
    """Outcome and sentence of a device as of now: what a person must see first."""
    if look is None:
        return "unknown", "No look at it is planned: it is not watched, or was just declared."
    if look.at is None or is_stale((now - look.at).total_seconds(), every(look.probe)):
        return "unknown", stale_sentence(look)
    if look.state != Look.State.READ:
        return "unknown", look.sentence
    first = min(found, key=lambda one: GRAVE.index(one.outcome), default=None)
    return (first.outcome.value, first.sentence) if first else ("unknown", "Its look gave no finding.")


@needs("estate.view")
def device(request: HttpRequest, pk: int) -> HttpResponse:
    """One switch or array: what it told, and what was found."""
    row = get_object_or_404(Device.objects.select_related("site", "engine"), pk=pk)
    now = timezone.now()
    look = row.looks.select_related("device", "engine", "host").defer("sections").first()
    found = read(findings().filter(look=look), now) if look else []
    state, words = _state(look, found, now)
    told = seen(row.kind, look.facts) if look and look.facts else None
    context = {
        "section": "luns",
        "device": row,
        "look": look,
        "state": state,
        "lead": words,
        "headline": row.name,
        "findings": split(found),
        "pinned": device_trust.pinned(row.pin_pem),
        "may_look": may(request.user, "look.now"),
        "may_pin": may(request.user, "hostkey.accept"),
        "may_manage": may(request.user, "estate.manage"),
        "path": _trail(row),
        **_told(told),
    }
    return render(request, "inventory/device.html", context)


def _told(told: SwitchSeen | ArraySeen | None) -> dict[str, Any]:
    if isinstance(told, SwitchSeen):
        names = {login.fabric_port: login for login in told.logins if login.fabric_port}
        used = [port for port in told.ports if port.state not in ("no_module", "no_port", "")]
        rows = [(port, names.get(port.wwn)) for port in used[:PORTS]]
        return {"switch": told, "ports": rows, "ports_left": len(told.ports) - len(rows)}
    if isinstance(told, ArraySeen):
        luns = {lun.ident: lun for lun in told.luns}
        return {"array": told, "pairs": [(pair, luns.get(pair.local_lun)) for pair in told.pairs]}
    return {}


@needs("hostkey.accept")
def pin(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the certificate that the device shows now beside the pinned one; POST pins exactly the one shown."""
    row = get_object_or_404(Device, pk=pk)
    mistakes: tuple[str, ...] = ()
    status = 200
    if request.method == "POST":
        try:
            if request.POST.get("typed", "").strip() != row.name:
                raise device_trust.TrustRefusal(f"Type {row.name} to confirm which device is meant. Nothing is pinned.")
            taken = device_trust.pin(row, request.user.get_username(), request.POST.get("mark", ""))
        except device_trust.TrustRefusal as refusal:
            mistakes, status = (str(refusal),), NOT_VALID
        else:
            said = " and ".join(one.fingerprint for one in taken)
            verb = "is" if len(taken) == 1 else "are"
            messages.success(request, f"{said} {verb} pinned for {row.name} now. A look follows at once.")
            return redirect("device", pk)
    offers = device_trust.ask(row)
    pinned = device_trust.pinned(row.pin_pem)
    same, answers = device_trust.holds(row, offers), bool(offers.certificates)
    context = {
        "section": "luns",
        "device": row,
        "offers": offers,
        "pinned": pinned,
        "same": same,
        "mistakes": mistakes,
        "state": "ok" if same else "unknown" if not (answers and pinned) else "fail",
        "headline": _headline(row, same, answers, bool(pinned)),
        "path": [*_trail(row, here=False), Step("Certificate")],
    }
    return render(request, "inventory/device_pin.html", context, status=status)


def _headline(row: Device, same: bool, answers: bool, has_pin: bool) -> str:
    if not answers:
        return f"{row.name} shows no certificate now"
    if same:
        return f"{row.name} shows its pinned certificate"
    return f"{row.name} shows another certificate" if has_pin else f"{row.name} has no pinned certificate"


def _trail(row: Device, *, here: bool = True) -> list[Step]:
    above = [*path(("LUNs", "luns"), ("Switches and arrays", "devices"))]
    return [*above, Step(row.name, "" if here else f"/devices/{row.pk}/")]
