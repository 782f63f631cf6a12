"""The tuning of Oracle VMs for pages: one VM's table as of now, and the worst of each declared VM."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from inventory.models import ApprovedTuning, Attachment, Look, OracleVm, Vm
from inventory.services import looks
from inventory.services.oracle_vms import Shown, approved, instances, seen, shown, wanted, why_not
from inventory.services.pages_now import Now, findings, read, worst_first
from inventory.services.tuning import Told, rows_of, told_of, worth_judging
from inventory.tuning.compliance import table
from inventory.tuning.facts import Instance
from inventory.tuning.row import Row
from inventory.tuning.said import drifts
from portal.kernel.outcome import GRAVE, Outcome


@dataclass(frozen=True)
class Tuning:
    """What a VM's page shows. oracle None: it is not declared, and only the engine's rows are there. why: why the VM's
    own rows say nothing of now, "" when they do; drifted: sentences; shown None: nothing can be approved."""

    oracle: OracleVm | None
    look: Look | None
    why: str
    rows: tuple[Row, ...]
    drifted: tuple[str, ...]
    kept: ApprovedTuning | None
    shown: Shown | None
    instances: tuple[Instance, ...] = ()

    @property
    def state(self) -> Outcome:
        """The worst of what can be a fault."""
        counted = [row.outcome for row in self.rows if row.severity != "info"]
        every = [*counted, *([Outcome.UNKNOWN] if self.why else []), *([Outcome.WARN] if self.drifted else [])]
        return min(every, key=GRAVE.index, default=Outcome.UNKNOWN)


def tuning_of(vm: Vm, attached: list[Attachment], now: datetime, told: Told | None = None) -> Tuning | None:
    """None for a VM of which nothing can be said. told: what the engine said of it, asked for when it is not at hand.
    Needs vm.cluster loaded; two queries, and three without told."""
    oracle = OracleVm.objects.select_related("approved").filter(vm=vm).first()
    if oracle is None:
        rows = rows_of(vm, told or told_of(vm)) if worth_judging(vm, attached) else ()
        return Tuning(None, None, "", _graver_first(rows), (), None, None) if rows else None
    oracle.vm = vm
    look = Look.objects.select_related("vm").defer("sections").filter(vm=vm, probe=looks.ORACLE).first()
    facts, why, kept = seen(look), why_not(look, now), approved(oracle)
    if facts is None and not why:
        why = f"{vm.name} was read by another release of the portal: its next look mends that."
    own = table(facts, wanted(oracle)) if facts else ()
    sides = rows_of(vm, told or told_of(vm)) if oracle.instances or worth_judging(vm, attached) else ()
    drifted = () if why else tuple(one.sentence for one in drifts(own, vm.name, kept.values if kept else None))
    own_now = tuple(replace(row, outcome=Outcome.UNKNOWN) for row in own) if why else own
    may_be = None if why else shown(own, kept)
    rows = _graver_first((*own_now, *sides))
    return Tuning(oracle, look, why, rows, drifted, kept, may_be, instances(oracle.instances))


def _graver_first(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows of information come last among those that hold; otherwise the order stays."""
    return tuple(sorted(rows, key=lambda row: (GRAVE.index(row.outcome), row.severity == "info")))


@dataclass(frozen=True)
class Line:
    """One declared VM in the list. counts: findings that are not ok, by outcome."""

    oracle: OracleVm
    look: Look | None
    outcome: Outcome
    sentence: str
    fail: int = 0
    warn: int = 0
    unknown: int = 0
    settings: int = 0


def lines(now: datetime) -> list[Line]:
    """Every declared VM with its worst finding, the engine's part included, the gravest VM first. Four queries,
    whatever their number."""
    rows = list(OracleVm.objects.select_related("vm").order_by("vm__name"))
    both = Look.objects.select_related("vm").filter(probe__in=[looks.ORACLE, looks.ENGINE_SIDE])
    told_looks = list(both.defer("sections", "facts"))
    every = {look.vm_id: look for look in told_looks if look.probe == looks.ORACLE}
    engines = {look.pk: look.engine_id for look in told_looks if look.probe == looks.ENGINE_SIDE}
    told: dict[int, list[Now]] = {}
    for one in read(findings().filter(look__probe=looks.ORACLE), now):
        told.setdefault(one.look, []).append(one)
    beside: dict[tuple[int, str], list[Now]] = {}
    for one in read(findings().filter(look__probe=looks.ENGINE_SIDE, check_name="tuning_engine"), now):
        beside.setdefault((engines[one.look], one.key.partition(" ")[0]), []).append(one)
    found = [
        _line(row, every.get(row.vm_id), told, beside.get((row.vm.engine_id, row.vm.name), []), now) for row in rows
    ]
    return sorted(found, key=lambda one: GRAVE.index(one.outcome))


def _line(oracle: OracleVm, look: Look | None, told: dict[int, list[Now]], beside: list[Now], now: datetime) -> Line:
    """beside: what the engine's look found of the VM, which counts where its SGAs are declared."""
    why = why_not(look, now)
    mine = worst_first([*told.get(look.pk, []), *(beside if oracle.instances else ())]) if look else []
    if why or not mine:
        return Line(oracle, look, Outcome.UNKNOWN, why or "Its look gave no finding.")
    count = {outcome: sum(one.outcome is outcome for one in mine) for outcome in Outcome}
    first = mine[0]
    words = first.sentence if first.outcome is not Outcome.OK else f"All {len(mine)} settings are as declared."
    totals = (count[Outcome.FAIL], count[Outcome.WARN], count[Outcome.UNKNOWN], len(mine))
    return Line(oracle, look, first.outcome, words, *totals)
