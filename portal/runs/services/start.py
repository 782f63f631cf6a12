"""Starting a Run: rows first, then a message. Nothing else enqueues."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from portal.access import request_id
from portal.changes import services as changes
from portal.changes.asked import Asked
from portal.kernel.output import LookFailed
from portal.kernel.plan import ParametersRefused, Plan, canonical, digest
from portal.runs import journal, ports, record, wake
from portal.runs.models import Run, RunStep
from portal.runs.record import EvidenceRefused
from portal.runs.registry import UnknownPlan, plan_named
from portal.runs.services.refused import Refused, recorded

S = Run.Status
LONGEST_KEY = 200  # characters of an idempotency key
LONGEST_CHANGE = 80  # characters of a change's number
_TARGET = re.compile(r"[a-z]+:[1-9][0-9]{0,17}")


def start(
    plan: str,
    parameters: Mapping[str, Any],
    target: str,
    by: str,
    change: str | Asked = "",
    idempotency_key: str = "",
) -> Run:
    """Saves a Run with its steps, frozen, and wakes a worker on commit. by: user name; target: "host:<pk>". change: the
    number alone, or with what else is known of it. The same key with the same wish gives the same Run, so a second
    click starts nothing. A plan that needs approval waits for it. Raises Refused, whose sentence names the Run that
    stands in the way, or says why the change does not allow it."""
    asked = Asked.of(change)
    body = {"plan": plan, "parameters": dict(parameters), "target": target, "change": asked.number}
    try:
        if len(idempotency_key) > LONGEST_KEY:
            raise Refused("key", f"The key has {len(idempotency_key)} characters; at most {LONGEST_KEY} are taken.")
        frozen = _frozen(plan, parameters, target)
        return _saved(*frozen, target=target, by=by, asked=asked, key=idempotency_key)
    except Refused as refusal:
        raise recorded(refusal, by, target or "portal", body) from None


def warm(change: str | Asked, target: str, by: str) -> None:
    """Reads the change back before a transaction begins in which `start` asks for it again: that one then finds a fresh
    answer and nobody waits for the change system while rows are locked. Whatever is wrong, `start` says."""
    try:
        bound = changes.bind(Asked.of(change), ports.site_of(target), by, timezone.now())
    except changes.BindRefused:
        return
    if bound is not None:
        changes.look(bound.pk, changes.FRESH)


def _frozen(name: str, parameters: Mapping[str, Any], target: str) -> tuple[Plan, dict[str, Any], str]:
    try:
        plan = plan_named(name)
        checked = plan.checked(parameters)
        # one spelling per target: "host:07" would slip past the active run on "host:7"
        if ports.kind_of(target) not in plan.targets or not _TARGET.fullmatch(target):
            raise Refused("target", f"{plan.title} runs on {' or '.join(plan.targets)}, not on {target!r}.")
        return plan, checked, ports.shell_for(target).name(target)
    except UnknownPlan as error:
        raise Refused("unknown_plan", str(error)) from None
    except ParametersRefused as error:
        raise Refused("parameters", *error.sentences) from None
    except LookFailed as error:
        raise Refused("target", str(error)) from None


def _saved(plan: Plan, parameters: dict[str, Any], name: str, *, target: str, by: str, asked: Asked, key: str) -> Run:
    told = asked.number if asked.plain else asked.content()
    wish = {"plan": plan.name, "parameters": parameters, "target": target, "change": told}
    run = Run(
        plan=plan.name,
        plan_version=plan.version,
        title=plan.title,
        parameters=parameters,
        digest=digest(plan, parameters, target),
        target=target,
        target_name=name,
        requested_by=by,
        change=asked.number[:LONGEST_CHANGE],
        request_id=request_id.current.get().strip("-"),
        idempotency_key=key,
        body_hash=hashlib.sha256(canonical(wish)).hexdigest(),
        status=S.AWAITING_APPROVAL if plan.approval else S.QUEUED,
    )
    earlier = _earlier(run)
    if earlier:
        return earlier
    _belong(run, asked)
    if run.status == S.QUEUED and (sentence := ports.hindrance(run, plan)):
        raise Refused("change", sentence)
    try:
        with transaction.atomic():
            _insert(run, plan)
    except IntegrityError:
        # two at one time: whoever lost reads what the other one wrote
        earlier = _earlier(run)
        if earlier:
            return earlier
        raise in_the_way(target, name) from None
    except EvidenceRefused as error:
        raise Refused("evidence", str(error)) from None
    return run


def _belong(run: Run, asked: Asked) -> None:
    """Finds the change's row. Raises Refused."""
    try:
        run.bound = changes.bind(asked, ports.site_of(run.target), run.requested_by, timezone.now())
    except changes.BindRefused as error:
        raise Refused("parameters", str(error)) from None
    if run.bound is not None:
        run.change = run.bound.number
        bound = run.bound
        sys_id = asked.sys_id or bound.sys_id
        frozen = replace(asked, number=bound.number, system=bound.system.name, sys_id=sys_id)
        run.change_asked = frozen.content()


def _earlier(run: Run) -> Run | None:
    """The Run that this key has started before. Raises Refused when it was for something else."""
    if not run.idempotency_key:
        return None
    same = Run.objects.filter(requested_by=run.requested_by, idempotency_key=run.idempotency_key).first()
    if same and same.body_hash != run.body_hash:
        words = f"The key {run.idempotency_key!r} has started run {same.pk} with other content"
        raise Refused("idempotency", f"{words}: use a new key.", run=same)
    return same


def in_the_way(target: str, name: str) -> Refused:
    """The refusal that names the active Run on the target."""
    other = Run.objects.filter(target=target, status__in=Run.ACTIVE).first()
    if other is None:
        return Refused("active", f"Another run on {name} ended this moment: start it again.")
    words = f"Run {other.pk} ({other.title}, by {other.requested_by}) is {other.status} on {name}"
    return Refused("active", f"{words}: wait for it or abort it.", run=other)


def _insert(run: Run, plan: Plan) -> None:
    run.save(force_insert=True)
    if run.status == S.QUEUED:
        Run.objects.filter(pk=run.pk).update(queued_at=Now())
    RunStep.objects.bulk_create(
        RunStep(
            run=run,
            position=position,
            name=step.name,
            title=step.title,
            mutating=step.mutating,
            expected_seconds=step.expected,
        )
        for position, step in enumerate(plan.steps, 1)
    )
    words = f"{run.title} on {run.target_name}, asked for by {run.requested_by}"
    journal.write(run.pk, None, [journal.Entry(f"{words}{f' for change {run.change}' if run.change else ''}.")])
    if run.status == S.QUEUED:
        wake.on_commit(run.pk)
    run.refresh_from_db()
    body = {"version": run.plan_version, "parameters": run.parameters, "digest": run.digest, "status": run.status}
    if run.change_asked:
        body["change_asked"] = run.change_asked
    if run.request_id:
        body["request_id"] = run.request_id
    record.put(run, "run.started", run.requested_by, body)
