"""Asking for a drill, and closing it when its Run has ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from failover.catalog.pair import Member, written
from failover.models import Drill
from failover.plans_composed import PREFIX
from failover.services import change_gate, composed, fabric, pairs, readiness, readiness_looks, sites
from failover.verdicts import readiness as verdicts
from inventory.models import Engine
from portal.changes.asked import Asked
from portal.changes.services import BindRefused
from portal.evidence.services import append
from portal.kernel.plan import Plan
from portal.runs.models import Run
from portal.runs.registry import UnknownPlan, plans
from portal.runs.services import Refused, start
from portal.runs.services.refused import recorded

PLANS = (
    "she_switchover", "she_failover", "she_agent_stop", "engine_service_failure", "host_power_loss",
    "fabric_path_loss", "backup_rehearsal", "tabletop",
)  # fmt: skip
FILLED = frozenset({"hosts", "paths"})  # parameters that people do not choose
# drills that act on the host of the engine VM, and nowhere else
AT_THE_ENGINE = ("she_switchover", "she_failover", "she_agent_stop", "engine_service_failure", "host_power_loss")
Window = tuple[datetime | None, datetime | None]
ALWAYS: Window = (None, None)


def request(  # noqa: PLR0913 - a wish has as many parts
    engine: Engine,
    plan: str,
    parameters: Mapping[str, Any],
    *,
    by: str,
    objectives: Sequence[Mapping[str, Any]] = (),
    people: Sequence[Mapping[str, Any]] = (),
    window: Window = ALWAYS,
    change: str | Asked = "",
    key: str = "",
    words: Mapping[str, Any] | None = None,
) -> Drill:
    """A drill with its Run, saved together. parameters: what people choose (`on`, `to`, `how`, `fabric`, `questions`,
    `watch_seconds`); the rest is filled in. window: aware times; a drill whose window begins later is not asked whether
    it is ready now. words: title, scenario, assumptions, announced, schedule; site: where the engine is meant to stand.
    The same key with the same wish gives the same drill. Raises Refused with one sentence per reason, which is
    recorded."""
    change = Asked.of(change)
    asked = {"plan": plan, "parameters": dict(parameters), "change": change.number}
    try:
        earlier = _earlier(engine, plan, parameters, by, key, objectives)
        if earlier is not None:
            return earlier
        _at_its_site(engine, plan, str((words or {}).get("site", "")))
        _meant(change, engine, by)
        filled = _filled(engine, plan, parameters)
        _ready(engine, plan, filled, window)
        return _saved(engine, plan, filled, by, change, key, _row(objectives, people, window, words or {}))
    except Refused as refusal:
        # what portal.runs recorded of its own refusal went with the transaction that it refused in
        raise recorded(refusal, by, pairs.target(engine), asked) from None


def _earlier(
    engine: Engine, plan: str, parameters: Mapping[str, Any], by: str, key: str, objectives: Sequence[Mapping[str, Any]]
) -> Drill | None:
    """The drill that this person's key has asked for before."""
    if not key:
        return None
    found = Drill.objects.filter(run__requested_by=by, run__idempotency_key=key).select_related("run").first()
    if found is None:
        return None
    assert found.run is not None
    same = (found.engine_id, found.plan, found.objectives) == (engine.pk, plan, [dict(one) for one in objectives])
    if not same or any(found.run.parameters.get(name) != value for name, value in parameters.items()):
        raise Refused(
            "idempotency", f"The key {key!r} has asked for drill {found.pk} with other content: use a new key."
        )
    return found


def _meant(change: Asked, engine: Engine, by: str) -> None:
    try:
        wrong = change_gate.unknown(change, pairs.target(engine), by)
    except BindRefused as error:
        raise Refused("parameters", str(error)) from None
    if wrong:
        raise Refused("change", wrong)


def _at_its_site(engine: Engine, plan: str, named: str) -> None:
    if wrong := sites.wrong(engine, named) or sites.elsewhere(_plan(plan), engine):
        raise Refused("drill", wrong)


def _filled(engine: Engine, plan: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What the plan takes: the pair, the host of the engine, the other one, the paths of the fabric."""
    what = _plan(plan)
    own = sorted(FILLED & parameters.keys())
    if own:
        raise Refused("parameters", f"{own[0]} is filled in by the portal from what is declared, and not taken.")
    try:
        members = pairs.members_of(engine)
    except pairs.NoPair as error:
        raise Refused("drill", str(error)) from None
    takes = {parameter.name for parameter in what.parameters}
    filled = {"hosts": written(members), **parameters}
    if "on" in takes:
        # nobody has to be asked where a person has chosen
        filled["on"] = filled.get("on") or _engine_host(engine, members).pk
        _chosen(filled, members, takes)
    if "paths" in takes:
        filled["paths"] = _paths(members, filled)
    return filled


def _plan(name: str) -> Plan:
    """A drill's plan: built in, or composed and in use. Raises Refused."""
    if name in PLANS and name in plans():
        return plans()[name]
    try:
        found = composed.plan_of(name, None)
    except UnknownPlan as error:
        raise Refused("drill", str(error)) from None
    if found is None:
        raise Refused("drill", f"There is no drill {name!r}; there are: {', '.join(PLANS)}.")
    return found


def _chosen(filled: dict[str, Any], members: tuple[Member, ...], takes: set[str]) -> None:
    """Both hosts are hosted-engine hosts, and two."""
    keys = [one.pk for one in members]
    if filled["on"] not in keys:
        raise Refused("drill", f"{filled['on']!r} is the key of no hosted-engine host of this engine.")
    if "to" in takes:
        filled.setdefault("to", next(key for key in keys if key != filled["on"]))
        if filled["to"] == filled["on"] or filled["to"] not in keys:
            raise Refused("drill", "The host that takes over is another hosted-engine host.")


def _engine_host(engine: Engine, members: tuple[Member, ...]) -> Member:
    on = pairs.look(engine, members).engine_on()
    if on is None:
        raise Refused("drill", f"No host says that it runs the engine of {engine} well, so nothing can be tried.")
    return on


def _paths(members: tuple[Member, ...], filled: Mapping[str, Any]) -> str:
    member = next(one for one in members if one.pk == filled["on"])
    try:
        return ",".join(fabric.addresses(member, str(filled.get("fabric", ""))))
    except fabric.NoPaths as error:
        raise Refused("drill", str(error)) from None


def _ready(engine: Engine, plan: str, filled: Mapping[str, Any], window: Window) -> None:
    now = datetime.now(UTC)
    begins, ends = window
    if ends is not None and (ends <= now or (begins is not None and ends <= begins)):
        raise Refused("window", "The window ends before it begins, or has ended already.")
    members = pairs.members_of(engine)
    if begins is not None and begins > now:
        return
    said = readiness_looks.portal_said(engine, members, now)
    kind = composed.kind_of(plan)
    if kind in readiness_looks.RESTARTS and said.cooling > 0:  # nobody has to be asked for that
        words = f"{said.after} began less than the cool-down ago: {said.cooling:.0f} s are left."
        raise Refused("readiness", f"{words} A second drill now can leave both hosts with score 0.")
    fences = int(filled["on"]) if filled.get("how") == "fence" else 0
    row = readiness.look(engine, plan, fences=fences)
    checks = readiness.checks_of(row)
    if not verdicts.ready(checks):
        raise Refused("readiness", *readiness.refusals(checks))
    host = readiness_looks.host_named(engine, int(filled.get("on", 0)))
    runs_on = row.depends.get("the engine's host", "")
    if kind in AT_THE_ENGINE and host != runs_on:
        raise Refused("readiness", f"The engine runs on {runs_on}, not on {host}: this drill begins where it runs.")


def _row(
    objectives: Sequence[Mapping[str, Any]],
    people: Sequence[Mapping[str, Any]],
    window: Window,
    words: Mapping[str, Any],
) -> dict[str, Any]:
    row = {name: words[name] for name in ("title", "scenario", "assumptions", "announced", "schedule") if name in words}
    return {
        **row,
        "objectives": [dict(one) for one in objectives],
        "people": [dict(one) for one in people],
        "window_begins": window[0],
        "window_ends": window[1],
    }


def _saved(
    engine: Engine, plan: str, filled: Mapping[str, Any], by: str, change: Asked, key: str, row: dict[str, Any]
) -> Drill:
    with transaction.atomic():
        # the drill stands before a worker can take its Run: the Run is seen on commit
        run = start(plan, filled, pairs.target(engine), by, change, key)
        found = Drill.objects.filter(run=run).first()
        if found is not None:
            return found
        row.setdefault("title", f"{run.title} of {engine}")
        latest = readiness.last(engine, plan)
        kept = {"at": latest.at.isoformat(), "checks": latest.checks, "depends": latest.depends} if latest else {}
        kind = composed.kind_of(plan, run.plan_version) if plan.startswith(PREFIX) else ""
        drill = Drill.objects.create(
            engine=engine,
            run=run,
            plan=plan,
            kind=kind,
            requested_by=by,
            requested_at=datetime.now(UTC),
            readiness=kept,
            **row,
        )
        body = {
            "plan": plan, "run": run.pk, "digest": run.digest, "parameters": run.parameters, "change": run.change,
            "objectives": drill.objectives, "people": drill.people,
            "window": [at.isoformat() if at else None for at in (drill.window_begins, drill.window_ends)],
        }  # fmt: skip
        append("drill.requested", by, f"drill:{drill.pk}", body)
    return drill


def under_way(engine: Engine) -> Drill | None:
    """The drill whose Run is active now."""
    rows = Drill.objects.filter(engine=engine, run__status__in=Run.ACTIVE)
    return rows.select_related("run").order_by("-pk").first()
