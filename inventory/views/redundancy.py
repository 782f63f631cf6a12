"""The proof of redundancy in tables: what each loss cuts, every VM, every LUN on its hosts, where the layers differ,
and what the rules of zoning and cabling object to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from inventory.redundancy.evidence import Layer
from inventory.redundancy.layers import HostLun
from inventory.redundancy.lint import RULES
from inventory.redundancy.summary import OWN, ElementSummary, Proof, Summary
from inventory.services.pages_topology import Known, Page, Told, page
from inventory.topology.losses import token
from inventory.views.paths import path
from inventory.views.topology import none_words
from portal.access.admission import needs
from portal.kernel.outcome import Outcome
from portal.kernel.words import span

ROWS = 200  # of a table; what does not fit is counted
NAMES = 8  # names in a cell
RANK = {"fail": 0, "unknown": 1, "warn": 2, "ok": 3}
LAYERS = (Layer.DESIGNED, Layer.LOGGED_IN, Layer.SEEN, Layer.LIVE)
TITLES = {rule.ident.lower(): rule.title for rule in RULES}


@needs("estate.view")
def redundancy(request: HttpRequest) -> HttpResponse:
    """The whole proof."""
    now = timezone.now()
    found = page(now, request.GET.get("engine", ""), all_findings=True)
    context: dict[str, Any] = {
        "section": "topology",
        "page": found,
        "path": path(("Topology", "topology"), "Redundancy"),
    }
    if found.known is None:
        return render(request, "inventory/topology_none.html", context | none_words(found, "redundancy"))
    proof, since = found.known.proof, {(one.check, one.kind, one.key): one.since for one in found.findings}
    objections = told_rows(found.findings)
    context |= _title(found, proof) | {
        "since": since.get(("redundancy", "estate", proof.whole.name)) or _estate_since(found),
        "elements": [_element(found.known, one) for one in proof.elements[:ROWS]],
        "elements_more": max(0, len(proof.elements) - ROWS),
        "vms": [_row(found.known, one, since, "vm") for one in proof.vms[:ROWS]],
        "vms_more": max(0, len(proof.vms) - ROWS),
        "luns": [_row(found.known, one, since, "lun") for one in proof.luns[:ROWS]],
        "luns_more": max(0, len(proof.luns) - ROWS),
        "differences": (different := _differences(found.known))[:ROWS],
        "differences_more": max(0, len(different) - ROWS),
        "cells": len(proof.cells),
        "objections": [(one, TITLES.get(one.check, one.check), one.check.upper()) for one in objections[:ROWS]],
        "objections_more": max(0, len(objections) - ROWS),
        "rules": len(RULES),
    }
    return render(request, "inventory/redundancy.html", context)


def _title(found: Page, proof: Proof) -> dict[str, str]:
    if found.old:
        assert found.look is not None
        age = span((timezone.now() - found.look.at).total_seconds()) if found.look.at else "long"
        lead = f"It is {age} old: start the looks worker and beat. It said: {proof.whole.sentence}"
        return {"state": "unknown", "headline": "The proof is too old to be believed", "lead": lead}
    cut = sum(1 for one in proof.elements if one.cuts)
    headline = {
        Outcome.OK: "Every LUN survives the loss of any one element",
        Outcome.WARN: "Nothing hangs on one element, not all is even",
        Outcome.UNKNOWN: "Whether every LUN survives a loss is not known",
        Outcome.FAIL: f"{cut} single point{'s' if cut != 1 else ''} of failure" if cut else "Not every LUN has a path",
    }[proof.whole.outcome]
    return {"state": proof.whole.outcome.value, "headline": headline, "lead": proof.whole.sentence}


def _estate_since(found: Page) -> Any:
    return next((one.since for one in found.findings if one.kind == "estate"), None)


@dataclass(frozen=True)
class Names:
    """Names with links, and how many more there are."""

    shown: Sequence[tuple[str, str]]
    more: int


def _names(pairs: Sequence[tuple[str, str]]) -> Names:
    unique = list(dict.fromkeys(pairs))
    return Names(unique[:NAMES], max(0, len(unique) - NAMES))


@dataclass(frozen=True)
class ElementRow:
    """An element. try_it: the topology without it."""

    label: str
    kind: str
    try_it: str
    sentence: str
    cuts: Names
    hosts: Names
    hit: int
    own: bool  # a host or an array: its loss is not counted against its own LUNs


def _element(known: Known, one: ElementSummary) -> ElementRow:
    around = known.around
    luns = [(cell.name, _url(around.luns, cell.wwid)) for cell in one.cuts]
    hosts = [(cell.host, _url(around.hosts, cell.host)) for cell in one.cuts]
    try_it = f"{reverse('topology')}?without={token(one.element)}"
    return ElementRow(
        one.label, one.element.kind, try_it, one.sentence, _names(luns), _names(hosts), one.hit, one.element.kind in OWN
    )


def _url(places: Any, name: str) -> str:
    return places[name].url if name in places else ""


@dataclass(frozen=True)
class SummaryRow:
    """A VM or a LUN. pairs: hosts or LUNs that are summed up; least: the fewest paths of one."""

    name: str
    url: str
    state: str
    sentence: str
    since: Any
    least: str
    pairs: int


def _row(known: Known, one: Summary, since: dict[tuple[str, str, str], Any], kind: str) -> SummaryRow:
    places = known.around.vms if kind == "vm" else known.around.luns
    least = min((cell.live.pairs for cell in one.cells), default=None)
    words = "no host has it" if least is None else f"{least}"
    began = since.get(("redundancy", kind, one.key))
    return SummaryRow(one.name, _url(places, one.key), one.outcome.value, one.sentence, began, words, len(one.cells))


@dataclass(frozen=True)
class Difference:
    """A LUN on a host where the layers do not know the same paths. counts: per layer, or None where it is not known."""

    cell: HostLun
    url: str
    counts: tuple[tuple[int, bool], ...]
    state: str


def _differences(known: Known) -> list[Difference]:
    found = []
    for cell in known.proof.cells.values():
        three = [cell.layers[one] for one in LAYERS[:3]]
        if len({one.bits for one in three}) > 1 or any(one.why for one in three):
            counts = tuple((cell.layers[one].pairs, bool(cell.layers[one].why)) for one in LAYERS)
            found.append(Difference(cell, _url(known.around.luns, cell.wwid), counts, cell.outcome.value))
    return sorted(found, key=lambda one: RANK[one.state])


def told_rows(rows: Sequence[Told]) -> list[Told]:
    """The objections, the worst first."""
    return sorted((one for one in rows if one.kind == "san"), key=lambda one: RANK[one.outcome])
