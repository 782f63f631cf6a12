"""The topology: what hosts, switches and arrays stand on, as one picture, and what dies when something of it dies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from inventory.redundancy.elements import Element, Kind
from inventory.redundancy.evidence import Layer
from inventory.redundancy.whatif import Remains, WhatIf, what_if
from inventory.services.pages_topology import Known, Page, page
from inventory.topology.compose import layer_of, picture
from inventory.topology.losses import asked
from inventory.topology.marks import Drawing, drawn
from inventory.topology.parts import Picture
from inventory.topology.png import png
from inventory.topology.scene import Scene
from inventory.topology.style import Style
from inventory.topology.svg import svg
from inventory.views.losses import Toggle, choices
from inventory.views.paths import path
from inventory.views.titles import counted
from portal.access.admission import needs
from portal.kernel.outcome import Outcome
from portal.kernel.words import span

LAYERS = (
    (Layer.LIVE, "Live", "Paths that hosts, switches and arrays agree on."),
    (Layer.DESIGNED, "Designed", "Paths by cabling, defined zoning and mapping, whether they work or not."),
    (Layer.LOGGED_IN, "Logged in", "Paths by name server and the arrays' own sessions."),
    (Layer.SEEN, "Seen", "Paths by the hosts' multipath alone."),
)
SHOWN, CUTS = 12, 6  # names in a list of what dies; elements beside the picture
LARGEST = (  # what holds others comes before them
    *(
        Kind.SITE,
        Kind.ROOM,
        Kind.FEED,
        Kind.RACK,
        Kind.CHASSIS,
        Kind.PDU,
        Kind.FABRIC,
        Kind.SWITCH,
        Kind.TRUNK,
        Kind.LINK,
        Kind.ARRAY,
    ),
    *(Kind.CONTROLLER, Kind.MODULE, Kind.ARRAY_PORT, Kind.HOST, Kind.CARD, Kind.HBA, Kind.SWITCH_PORT),
)


@dataclass(frozen=True)
class Asked:
    """What a reader wants drawn."""

    layer: Layer
    elements: list[Element]
    strange: list[str]
    toggle: Toggle
    what: WhatIf | None
    scene: Scene


def read(request: HttpRequest, known: Known) -> Asked:
    """The layer and the losses of a URL, worked out."""
    layer = layer_of(request.GET.get("layer", ""))
    elements, strange = asked(request.GET.getlist("without"))
    toggle = Toggle(reverse("topology"), request.GET, elements)
    what = what_if(known.proof, elements, layer) if elements else None
    return Asked(layer, elements, strange, toggle, what, Scene(known.proof, known.around, layer, what, toggle))


@needs("estate.view")
def topology(request: HttpRequest) -> HttpResponse:
    """The picture, with what the reader takes away struck through."""
    now = timezone.now()
    found = page(now, request.GET.get("engine", ""))
    context: dict[str, Any] = {"section": "topology", "page": found, "path": path("Topology")}
    if found.known is None:
        return render(request, "inventory/topology_none.html", context | none_words(found, "topology"))
    wish = read(request, found.known)
    shown = picture(wish.scene)
    drawing = drawn(shown)
    context |= _title(found, found.known, wish, shown) | {
        "drawing": drawing,
        "picture": shown,
        "layers": [(wish.toggle.with_layer(one.value), word, one is wish.layer) for one, word, _ in LAYERS],
        "layer_words": next(words for one, _, words in LAYERS if one is wish.layer),
        "asked": wish,
        "since": next((one.since for one in found.findings), None) if wish.what is None else None,
        "what": _consequences(found.known, wish),
        "kinds": choices(found.known.proof, wish.elements),
        "points_more": sum(1 for one in found.known.proof.elements[CUTS:] if one.cuts),
        "points": found.known.proof.elements[:CUTS],
        "download": request.GET.urlencode(),
    }
    return render(request, "inventory/topology.html", context)


def none_words(found: Page, what: str) -> dict[str, str]:
    """What a page says while there is no proof."""
    if found.look is None:
        lead = "Declare the switches and arrays of the SAN under Devices; the proof follows their first look by itself."
    else:
        lead = "The first proof is being made: it follows the first look at a switch or array within half a minute."
    return {"headline": f"The {what} is not known yet", "lead": lead}


# --- words ------------------------------------------------------------------------------------------------------------
def _title(found: Page, known: Known, wish: Asked, shown: Picture) -> dict[str, Any]:
    whole = known.proof.whole
    assert found.look is not None, "there is a proof, so there is its look"
    if found.old:
        age = span((timezone.now() - found.look.at).total_seconds()) if found.look.at else "long"
        return {
            "state": "unknown",
            "headline": "The picture is too old to be believed",
            "lead": f"It is {age} old: start the looks worker and beat. It said: {whole.sentence}",
        }
    if wish.what is not None:
        return {"state": _hit(wish.what), "headline": _if_headline(wish.what), "lead": wish.what.sentence}
    return {"state": whole.outcome.value, "headline": headline(known, shown), "lead": whole.sentence}


def _hit(what: WhatIf) -> str:
    if what.cut_off or what.vms_lost:
        return "fail"
    return "unknown" if what.unknown else "warn" if what.weakened or what.hosts_gone else "ok"


def _if_headline(what: WhatIf) -> str:
    if what.cut_off:
        return f"If: {_luns(what.cut_off)} on {_hosts(what.cut_off)} would lose all paths"
    if what.unknown:
        return "If: what would remain is not known"
    if what.hosts_gone:
        gone = what.hosts_gone[0] if len(what.hosts_gone) == 1 else counted(len(what.hosts_gone), "host")
        rest = f", {_luns(what.weakened)} hang on one element" if what.weakened else ", every LUN keeps its redundancy"
        return f"If: {gone} would be gone{rest}"
    if what.weakened:
        return f"If: nothing stops, {_luns(what.weakened)} would hang on one element"
    return "If: every LUN would keep its redundancy"


def _luns(rows: Sequence[Remains]) -> str:
    return counted(len({one.cell.wwid for one in rows}), "LUN")


def _hosts(rows: Sequence[Remains]) -> str:
    return counted(len({one.cell.host for one in rows}), "host")


def headline(known: Known, shown: Picture) -> str:
    """The verdict in a few words: a fabric that carries nothing, a single point of failure, or what keeps."""
    proof = known.proof
    dead = [one for one in shown.rails if one.state == "fail"]
    alive = [one for one in shown.rails if one.state == "ok"]
    if dead and alive:
        names = " and ".join(one.name.split(",")[0] for one in alive)
        return f"{dead[0].name.split(',')[0]} carries nothing, all paths run over {names[:1].lower()}{names[1:]}"
    cut = sorted((one for one in proof.elements if one.cuts), key=lambda one: LARGEST.index(one.element.kind))
    if proof.whole.outcome is Outcome.FAIL and cut:
        label = cut[0].label[:1].upper() + cut[0].label[1:]
        if len(cut) == 1:
            return f"{label} is a single point of failure"
        return f"{label} and {len(cut) - 1} more are single points of failure"
    return {
        Outcome.OK: "Every LUN survives the loss of any one element",
        Outcome.WARN: "Nothing hangs on one element, not all is even",
        Outcome.UNKNOWN: "Whether every LUN survives a loss is not known",
        Outcome.FAIL: "Not every LUN has a path",
    }[proof.whole.outcome]


@dataclass(frozen=True)
class Lost:
    """LUNs of one host of which the same is left, by name. more: how many are not listed."""

    host: str
    left: str
    luns: list[tuple[str, str]]  # name, URL
    more: int


def _consequences(known: Known, wish: Asked) -> dict[str, Any] | None:
    if wish.what is None:
        return None
    what = wish.what
    kept = sum(1 for one in what.remains.values() if one.after and not one.points)
    return {
        "removed": [(known.proof.label(one), wish.toggle(one)) for one in what.removed],
        "strange": [*(known.proof.label(one) for one in what.strange), *wish.strange],
        "vms_lost": _vms(known, what.vms_lost),
        "vms_hit": _vms(known, what.vms_hit),
        "hosts_gone": what.hosts_gone[:SHOWN],
        "hosts_more": max(0, len(what.hosts_gone) - SHOWN),
        "lost": _by_host(known, what.cut_off),
        "weakened": _by_host(known, what.weakened),
        "kept": kept,
        "whole": len(what.remains),
        "unknown": len(what.unknown),
        "back": wish.toggle.of(()),
    }


def _vms(known: Known, names: Sequence[str]) -> list[tuple[str, str]]:
    return [(one, known.around.vms[one].url if one in known.around.vms else "") for one in names]


def _by_host(known: Known, rows: Sequence[Remains]) -> list[Lost]:
    alike: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for one in rows:
        name = (one.cell.name, _url(known, one.cell.wwid))
        alike.setdefault((one.cell.host, _left(known, one)), []).append(name)
    return [
        Lost(host, left, luns[:SHOWN], max(0, len(luns) - SHOWN)) for (host, left), luns in list(alike.items())[:SHOWN]
    ]


def _url(known: Known, wwid: str) -> str:
    return known.around.luns[wwid].url if wwid in known.around.luns else ""


def _left(known: Known, one: Remains) -> str:
    if not one.after:
        return f"0 of {one.before}"
    return f"{one.after} of {one.before}, all over {known.proof.label(one.points[0])}"


# --- files ------------------------------------------------------------------------------------------------------------
def _file(name: str) -> str:
    found = finders.find(f"holdfast/{name}")
    assert isinstance(found, str), "a file of ours"
    with open(found, encoding="utf-8") as text:
        return text.read()


def _style(theme: str) -> Style:
    return Style(_file("tokens.css"), _file("topology.css"), "dark" if theme == "dark" else "light")


def _asked_drawing(request: HttpRequest) -> tuple[Drawing, list[str], str]:
    found = page(timezone.now(), request.GET.get("engine", ""))
    if found.known is None or found.look is None or found.engine is None:
        raise Http404("There is no picture before the first proof.")
    wish = read(request, found.known)
    at = timezone.localtime(found.look.at)
    stale = " Too old to be believed." if found.old else ""
    words = wish.what.sentence if wish.what else found.known.proof.whole.sentence
    layer = next(word for one, word, _ in LAYERS if one is wish.layer)
    first = f"{found.engine.name}, {layer.lower()}, as of {at.day} {at:%b %Y %H:%M:%S %Z}.{stale}"
    return drawn(picture(wish.scene)), [first, words], f"topology-{at:%Y%m%d-%H%M%S}"


@needs("estate.view")
def topology_svg(request: HttpRequest) -> HttpResponse:
    """The picture as a file that stands alone."""
    drawing, words, name = _asked_drawing(request)
    text = svg(drawing, _style(request.GET.get("theme", "")), _file("shapes.svg"), words)
    answer = HttpResponse(text, content_type="image/svg+xml; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.svg"'
    return answer


@needs("estate.view")
def topology_png(request: HttpRequest) -> HttpResponse:
    """The picture as pixels, for programs that read no SVG."""
    drawing, words, name = _asked_drawing(request)
    answer = HttpResponse(png(drawing, _style(request.GET.get("theme", "")), words), content_type="image/png")
    answer["Content-Disposition"] = f'attachment; filename="{name}.png"'
    return answer
