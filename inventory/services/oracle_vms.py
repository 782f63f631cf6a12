"""Looks at Oracle VMs: one round trip over SSH per VM that is due, read only and without root; what the engine says of
the VM is judged beside it. A person approves the running values; another value is a drift then."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from inventory.models import ApprovedTuning, Look, OracleVm, Vm
from inventory.services import looks
from inventory.services.looks import Result, every, stale_sentence
from inventory.services.signal import announce
from inventory.services.tuning import engine_rows
from inventory.services.wake import sweep_soon
from inventory.tuning import probe as tuning
from inventory.tuning.compliance import approved_values, table
from inventory.tuning.facts import Instance, OracleFacts, TuningDeclared
from inventory.tuning.row import Row
from inventory.tuning.said import answer, findings
from portal.connectors.ssh import Address, Pool
from portal.evidence.canonical import digest
from portal.evidence.services import append
from portal.kernel import facts as facts_json
from portal.kernel.finding import Finding
from portal.kernel.freshness import is_stale
from portal.kernel.output import LookFailed
from portal.kernel.probe import Declared, Probe


class CannotApprove(ValueError):
    """The settings are not approved; the sentence says why and what to do."""


def address(oracle: OracleVm) -> Address:
    """Where and as whom the VM is asked, with the key that a person has compared. Needs oracle.vm loaded."""
    return Address(oracle.vm.name, oracle.address.strip("[]"), oracle.port, oracle.ssh_user, oracle.host_key)


def instances(raw: Any) -> tuple[Instance, ...]:
    """The declared instances as they are stored."""
    return tuple(Instance(str(one["name"]), int(one["sga_bytes"])) for one in raw or ())


def wanted(oracle: OracleVm) -> TuningDeclared:
    """What people declared of the VM. Needs oracle.vm loaded."""
    asm = (oracle.asm_owner, oracle.asm_group, oracle.asm_mode)
    return TuningDeclared(oracle.vm.name, instances(oracle.instances), *asm)


def approved(oracle: OracleVm) -> ApprovedTuning | None:
    """What a person approved last; None when nobody did."""
    return getattr(oracle, "approved", None)  # the other side of a one-to-one raises where it is not


def judged(oracle: OracleVm, facts: OracleFacts, kept: ApprovedTuning | None) -> tuple[Finding, ...]:
    """Every finding about what the VM told of itself; the engine's part is the engine's look. kept: what was
    approved."""
    return findings(table(facts, wanted(oracle)), oracle.vm.name, kept.values if kept else None)


def beside(vm: Vm) -> tuple[Row, ...]:
    """The engine's rows of a VM, which count once the VM's SGAs are declared. Three queries."""
    return engine_rows(vm)


@dataclass(frozen=True)
class Visit:
    """One look at one VM, with all that it needs of the database, so that its thread asks none. kept: what was
    approved; sides: the engine's rows."""

    look: Look
    oracle: OracleVm
    kept: ApprovedTuning | None
    sides: tuple[Row, ...]

    def results(self, pool: Pool) -> list[Result]:
        """Its one result. Never raises."""
        began = time.monotonic()
        try:
            return [self._asked(pool)]
        except LookFailed as error:
            return [self._unanswered(began, str(error))]
        except Exception as error:  # noqa: BLE001 - a fault of ours must show as unknown, not end the sweep
            broke = f"{self.oracle.vm.name}: the look broke ({type(error).__name__}: {error}). Report it."
            return [self._unanswered(began, broke)]

    def _asked(self, pool: Pool) -> Result:
        outputs = pool.collect(address(self.oracle), tuning.COMMANDS)
        found: list[Finding] = []

        def judge(told: OracleFacts, _: Declared) -> list[Finding]:
            found.extend(judged(self.oracle, told, self.kept))
            return found

        probe = Probe(tuning.NAME, tuning.TITLE, tuning.EVERY, "host", tuning.parse, judge, tuning.COMMANDS)
        result = looks.read(probe, self.look.pk, outputs, Declared(self.oracle.vm.name, checked_at=time.time()))
        if result.state != Look.State.READ:
            return result
        said = answer((*found, *findings(self.sides, self.oracle.vm.name, None)), self.oracle.vm.name)
        return replace(result, brief={"answer": [said.word.value, said.outcome.value, said.sentence]})

    def _unanswered(self, began: float, sentence: str) -> Result:
        at = datetime.fromtimestamp(time.time(), UTC)
        return Result(self.look.pk, Look.State.UNANSWERED, at, int((time.monotonic() - began) * 1000), sentence)


def visits(due: Iterable[Look]) -> list[Visit]:
    """Visits for those of the looks that are at VMs."""
    mine = {look.vm_id: look for look in due if look.vm_id is not None}
    rows = OracleVm.objects.select_related("vm__cluster", "vm__engine", "approved").filter(vm__in=mine) if mine else ()
    return [Visit(mine[row.vm_id], row, approved(row), beside(row.vm) if row.instances else ()) for row in rows]


def seen(look: Look | None) -> OracleFacts | None:
    """What the latest look that was read told; None when there is none, or another release wrote it."""
    try:
        return facts_json.load(OracleFacts, look.facts) if look and look.facts else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def why_not(look: Look | None, now: datetime) -> str:
    """Why a look says nothing of the present; "" when it does."""
    if look is None:
        return "No look at it is planned: it is not watched, or its engine is not."
    if look.at is None or is_stale((now - look.at).total_seconds(), every(look.probe)):
        return stale_sentence(look)
    return "" if look.state == Look.State.READ else look.sentence


@dataclass(frozen=True)
class Shown:
    """The settings of a VM as a person may approve them. mark: stands for exactly these values; changed: they are not
    the approved ones."""

    values: dict[str, str]
    mark: str
    changed: bool


def shown(rows: Iterable[Row], kept: ApprovedTuning | None) -> Shown:
    """What is shown of rows that the VM itself told; kept: what was approved."""
    values = approved_values(rows)
    return Shown(values, digest(values), kept is None or dict(kept.values) != values)


def approve(oracle: OracleVm, by: str, mark: str) -> int:
    """Takes the running values that the page showed as the approved ones; returns how many. Raises CannotApprove."""
    now = timezone.now()
    with transaction.atomic():
        held = OracleVm.objects.select_for_update(of=("self",)).select_related("vm").get(pk=oracle.pk)
        look = Look.objects.select_related("vm").defer("sections").filter(vm=held.vm, probe=looks.ORACLE).first()
        facts, why = seen(look), why_not(look, now)
        if why or facts is None or look is None:
            raise CannotApprove(f"{held.vm.name} was not read lately, so nothing is approved. {why}".strip())
        told = shown(table(facts, wanted(held)), approved(held))
        if told.mark != mark:
            words = "has other settings now than the page showed. Read it again; nothing was approved."
            raise CannotApprove(f"{held.vm.name} {words}")
        given = {"values": told.values, "approved_by": by, "approved_at": now}
        ApprovedTuning.objects.update_or_create(oracle=held, defaults=given)
        body = {"values": told.values, "look": look.sha256, "sha256": told.mark}
        append("tuning.approved", by, f"vm:{held.vm.name}", body)
        Look.objects.filter(pk=look.pk).update(due_at=now)
        sweep_soon()
    announce("estate")
    return len(told.values)
