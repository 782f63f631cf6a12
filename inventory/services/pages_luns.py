"""LUNs for their pages: who uses them, and every declared path beside what a host sees of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Func, JSONField, OuterRef, Q, QuerySet, Value
from django.db.models.functions import JSONObject

from inventory.models import Attachment, DeclaredPath, Look, Lun
from inventory.probes.reading.multipath import MapFact
from inventory.services.looks import every
from inventory.services.pages_findings import worst_for
from inventory.services.pages_hosts import by_state
from inventory.services.pages_now import Now, findings, read
from portal.kernel import facts as facts_json
from portal.kernel.freshness import is_stale

PROBE = "multipath"
MARKS = ("active", "faulty", "missing", "unknown", "undeclared")


def luns(asked: Mapping[str, str], now: datetime) -> QuerySet[Any]:
    """asked: q (name, WWID or VM), state, use (direct, domain, none)."""
    used = Attachment.objects.filter(lun=OuterRef("pk")).order_by("vm__name")
    rows = (
        Lun.objects.filter(gone_since__isnull=True)
        .select_related("domain")
        .annotate(
            **worst_for(now, subject_kind="lun", subject_key=OuterRef("uuid")),
            used_by=ArraySubquery(used.values(seen=JSONObject(pk="vm_id", name="vm__name"))),
        )
    )
    if asked.get("q"):
        text = asked["q"]
        rows = rows.filter(
            Q(name__icontains=text)
            | Q(uuid__icontains=text)
            | Q(pk__in=Attachment.objects.filter(vm__name__icontains=text).values("lun"))
        )
    use = asked.get("use", "")
    if use == "direct":
        rows = rows.exclude(disk_uuid="")
    elif use == "domain":
        rows = rows.filter(domain__isnull=False)
    elif use == "none":
        rows = rows.filter(disk_uuid="", domain__isnull=True)
    return by_state(rows, asked.get("state", ""))


@dataclass(frozen=True)
class View:
    """What one host says of some LUNs. maps None: the look does not speak for now."""

    host: str
    host_pk: int
    look: int
    at: datetime | None
    maps: dict[str, MapFact] | None
    fabrics: dict[str, str]  # HBA's WWPN -> "A", "B", ...
    why: str


def views(names: Sequence[str], wwids: Sequence[str], now: datetime, most: int) -> list[View]:
    """What the named hosts (else the first ones by name that look at LUNs) say of the LUNs, in one query. Only the
    maps that are asked for leave the database."""
    wanted = Func(
        F("facts"),
        Value(json.dumps({"w": list(wwids)})),
        template="jsonb_path_query_array(%(expressions)s::jsonb)",
        arg_joiner=", '$.maps[*] ? (@.wwid == $w[*])'::jsonpath, ",
        output_field=JSONField(),
    )
    rows = Look.objects.filter(probe=PROBE, host__isnull=False, host__gone_since__isnull=True)
    if names:
        rows = rows.filter(host__name__in=names)
    seen = rows.order_by("host__name").annotate(maps=wanted, hbas=F("facts__hbas"))[:most]
    fields = ("pk", "host_id", "host__name", "state", "at", "sentence", "maps", "hbas")
    return [_view(row, now) for row in seen.values(*fields)]


def _view(row: dict[str, Any], now: datetime) -> View:
    at = row["at"]
    old = at is None or is_stale((now - at).total_seconds(), every(PROBE))
    maps, why = None, row["sentence"]
    if not old and row["state"] == Look.State.READ:
        try:
            maps = {each["wwid"]: facts_json.load(MapFact, each) for each in row["maps"] or []}
        except (KeyError, TypeError):
            why = "The facts of this look were written by another version of Holdfast."
    elif old:
        why = f"The last look at the paths of {row['host__name']} is too old."
    return View(row["host__name"], row["host_id"], row["pk"], at, maps, _fabrics(row["hbas"] or []), why)


def _fabrics(hbas: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Letters in the order of the ports' own numbers; ports of one fabric share a letter."""
    letters: dict[str, str] = {}
    found: dict[str, str] = {}
    for hba in sorted(hbas, key=lambda each: str(each.get("wwpn", ""))):
        key = hba.get("fabric") or hba.get("wwpn", "")
        letters.setdefault(key, chr(ord("A") + min(len(letters), 25)))
        found[hba.get("wwpn", "")] = letters[key]
    return found


@dataclass(frozen=True)
class Mark:
    """One declared path, or one that is there without being declared."""

    kind: str  # one of MARKS
    fabric: str
    hba: str
    target: str
    words: str


@dataclass(frozen=True)
class Cell:
    """One LUN on one host."""

    view: View
    marks: tuple[Mark, ...]

    @property
    def active(self) -> int:
        return sum(mark.kind == "active" for mark in self.marks)

    @property
    def declared(self) -> int:
        return sum(mark.kind != "undeclared" for mark in self.marks)

    @property
    def state(self) -> str:
        kinds = {mark.kind for mark in self.marks}
        if kinds & {"faulty", "missing"}:
            return "fail"
        return "unknown" if "unknown" in kinds or not self.declared else "ok"

    @property
    def words(self) -> str:
        """3/4, or what is there when nothing is declared."""
        if self.declared:
            return f"{self.active}/{self.declared}"
        return f"{len(self.marks)} undeclared" if self.marks else "none"


Pairs = dict[tuple[int, str], list[tuple[str, str]]]


def declared(hosts: Iterable[int], wwids: Iterable[str]) -> Pairs:
    """(host, WWID) -> declared (HBA, target) pairs, in one query."""
    found: Pairs = {}
    rows = DeclaredPath.objects.filter(host__in=list(hosts), wwid__in=list(wwids)).order_by("hba_wwpn", "target_wwpn")
    for host, wwid, hba, target in rows.values_list("host_id", "wwid", "hba_wwpn", "target_wwpn"):
        found.setdefault((host, wwid), []).append((hba, target))
    return found


def cell(view: View, wwid: str, pairs: Pairs) -> Cell:
    """Every declared path of a LUN on a host, and the undeclared ones that are there."""
    wanted = pairs.get((view.host_pk, wwid), [])
    one = view.maps.get(wwid) if view.maps is not None else None
    seen = {(path.hba_wwpn, path.target_wwpn): path for path in one.paths} if one else {}
    marks = []
    for hba, target in wanted:
        path = seen.get((hba, target))
        if view.maps is None:
            kind, words = "unknown", "not known"
        elif path is None:
            kind, words = "missing", "declared, not seen"
        else:
            kind = {"up": "active", "down": "faulty"}.get(path.standing, "unknown")
            words = f"{path.dev} {path.dm} {path.checker} {path.device}"
        marks.append(Mark(kind, view.fabrics.get(hba, "?"), hba, target, words))
    for (hba, target), path in seen.items():
        if (hba, target) not in wanted:
            words = f"{path.dev} {path.dm} {path.checker} {path.device}"
            marks.append(Mark("undeclared", view.fabrics.get(hba, "?"), hba, target, words))
    return Cell(view, tuple(sorted(marks, key=lambda mark: (mark.fabric, mark.hba, mark.target))))


def totals(cells: Iterable[Cell]) -> Counter[str]:
    """How many marks of each kind."""
    return Counter(mark.kind for each in cells for mark in each.marks)


@dataclass(frozen=True)
class LunPage:
    """Everything a LUN's page shows."""

    lun: Lun
    cells: list[Cell]
    findings: list[Now]


def lun_page(pk: int, now: datetime) -> LunPage:
    """Raises Lun.DoesNotExist. Three queries."""
    used = Attachment.objects.filter(lun=OuterRef("pk")).order_by("vm__name")
    users = ArraySubquery(used.values(seen=JSONObject(pk="vm_id", name="vm__name")))
    wanted = DeclaredPath.objects.filter(wwid=OuterRef("uuid")).order_by("hba_wwpn", "target_wwpn")
    drawn = ArraySubquery(wanted.values(seen=JSONObject(host="host_id", hba="hba_wwpn", target="target_wwpn")))
    rows = Lun.objects.select_related("domain", "engine").defer("engine__ca_pem")
    lun = rows.annotate(used_by=users, drawn=drawn).get(pk=pk)
    found = read(findings().filter(subject_kind="lun", subject_key=lun.uuid).order_by("look__host__name"), now)
    names = sorted({one.host for one in found if one.host})
    seen = views(names[:20], [lun.uuid], now, 20) if names else []
    pairs: Pairs = {}
    for one in lun.drawn:
        pairs.setdefault((one["host"], lun.uuid), []).append((one["hba"], one["target"]))
    return LunPage(lun, [cell(view, lun.uuid, pairs) for view in seen], found)
