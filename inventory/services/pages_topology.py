"""What the pages of topology and redundancy read: the proof as it was recorded last, and where its things have their
pages. The proof is made once in each process for each state of the estate; a page costs two queries while it stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F
from django.urls import reverse

from inventory.models import Device, Engine, Finding, Host, Look, Lun, Vm
from inventory.redundancy.lint import lint
from inventory.redundancy.lint.rule import Objection
from inventory.redundancy.summary import Proof
from inventory.services import devices, proving
from inventory.services.looks import REDUNDANCY, every
from inventory.topology.scene import Around, Place
from portal.kernel.freshness import is_stale
from portal.kernel.san import ArraySeen, SwitchSeen

_kept: dict[int, tuple[str, Known]] = {}


@dataclass(frozen=True)
class Known:
    """A proof with everything that its pages show of it, which changes only with it."""

    proof: Proof
    around: Around
    objections: tuple[Objection, ...]


@dataclass(frozen=True)
class Told:
    """A finding of the proof's look. objection: the rule's, with its evidence, where it stands now, too."""

    check: str
    kind: str
    key: str
    outcome: str
    sentence: str
    since: datetime
    objection: Objection | None = None


@dataclass(frozen=True)
class Page:
    """engines: those that have a proof, for the choice. look: of the proof, None when no switch or array is declared.
    known: None when nothing was proven yet. old: the proof is too old to speak for now. findings: of its look."""

    engines: list[Engine]
    engine: Engine | None
    look: Look | None
    known: Known | None
    old: bool
    findings: list[Told]


def page(now: datetime, asked: str = "", *, all_findings: bool = False) -> Page:
    """asked: the primary key of an engine; the first one when it has no proof. all_findings: of everything, else of the
    estate alone."""
    looks = list(
        Look.objects.filter(probe=REDUNDANCY, device__isnull=True, host__isnull=True)
        .select_related("engine__site")
        .defer("sections")
        .order_by("engine__name")
    )
    look = next((one for one in looks if str(one.engine_id) == asked), looks[0] if looks else None)
    engines = [one.engine for one in looks]
    if look is None or look.state != Look.State.READ:
        return Page(engines, look.engine if look else None, look, None, False, [])
    old = look.at is None or is_stale((now - look.at).total_seconds(), every(REDUNDANCY))
    known = _known(look, now)
    return Page(engines, look.engine, look, known, old, _told(look, known, everything=all_findings))


def _told(look: Look, known: Known, *, everything: bool) -> list[Told]:
    rows = Finding.objects.filter(look=look).order_by("pk")
    rows = rows if everything else rows.filter(subject_kind="estate")
    evidence = {proving.short(one.key): one for one in known.objections}
    asked = ("check_name", "subject_kind", "subject_key", "outcome", "sentence", "since")
    return [
        Told(check, kind, key, outcome, sentence, since, evidence.get(key))
        for check, kind, key, outcome, sentence, since in rows.values_list(*asked)
    ]


def _known(look: Look, now: datetime) -> Known:
    kept = _kept.get(look.engine_id)
    if kept is None or kept[0] != look.sha256:
        proof = proving.proof_of(look.engine, now, look.sha256)
        objections = tuple(lint(proof.estate, None, proof))
        kept = _kept[look.engine_id] = (look.sha256, Known(proof, _around(look.engine, proof), objections))
    return kept[1]


def _around(engine: Engine, proof: Proof) -> Around:
    rows = list(Device.objects.filter(engine=engine).select_related("site"))
    told = dict(
        Look.objects.filter(engine=engine, device__isnull=False).values_list("device_id", "facts").order_by("pk")
    )
    dead = {one.name: one.why for one in proof.estate.missing}
    past: list[SwitchSeen | ArraySeen] = []
    names, dark = {}, {}
    for row in rows:
        facts = told.get(row.pk)
        key = _key(facts)
        if key:
            names[key] = row.name
        if row.name in dead and (seen := devices.seen(row.kind, facts)) is not None:
            past.append(seen)
            dark[key] = dead[row.name]
    home = engine.site.name
    return Around(
        home,
        {row.name: Place(reverse("device", args=[row.pk]), row.site.name) for row in rows},
        _places(Host.objects.filter(engine=engine).annotate(place=F("site__name")), "host", home),
        _places(Vm.objects.filter(engine=engine), "vm"),
        _places(Lun.objects.filter(engine=engine).annotate(label=F("uuid")), "lun", field="uuid"),
        tuple(past),
        dark,
        names,
    )


def _key(facts: Any) -> str:
    """The WWN of a switch, the serial number of an array."""
    if not isinstance(facts, dict):
        return ""
    return str(facts.get("serial") if "controllers" in facts else facts.get("wwn") or "")


def _places(rows: Any, page_name: str, site: str = "", field: str = "name") -> dict[str, Place]:
    """site: of those that have none of their own."""
    own = "place" if site else field
    alive = rows.filter(gone_since__isnull=True).values_list(field, "pk", own)
    return {name: Place(reverse(page_name, args=[pk]), (place or site) if site else "") for name, pk, place in alive}
