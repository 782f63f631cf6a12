"""Maintenance windows: entered, left, extended and adopted by people. Guard rails are asked right before, of the hosts
themselves; the row of the window and its Run are saved together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from failover.catalog import modes
from failover.catalog.pair import Member, written
from failover.models import Window
from failover.services import pairs, room, sites, standing
from failover.verdicts.guard import Act, Kind, decide
from failover.verdicts.guard import Refused as GuardRefused
from failover.verdicts.guard_facts import Facts
from failover.verdicts.room import Moves
from inventory.models import Engine, Host
from portal.changes import services as changes
from portal.changes.asked import Asked
from portal.evidence.services import append
from portal.runs.models import Run
from portal.runs.services import start as start_run
from portal.runs.services import warm
from portal.runs.services.refused import Refused, recorded

ENTER, LEAVE, EXTEND = "she_maintenance_enter", "she_maintenance_leave", "she_maintenance_extend"
LONGEST = timedelta(days=7)
ENTERING = {"global": Kind.GLOBAL_ENTER, "local": Kind.LOCAL_ENTER, "host": Kind.HOST_ENTER}
LEAVING = {"global": Kind.GLOBAL_LEAVE, "local": Kind.LOCAL_LEAVE, "host": Kind.HOST_LEAVE}


class GuardSaid(Refused):
    """A guard rail refuses. kind "state"; `said` holds rule, sentence, what makes it possible and the evidence."""

    def __init__(self, said: GuardRefused) -> None:
        super().__init__("state", f"{said.sentence} {said.possible}")
        self.said = said


@dataclass(frozen=True)
class Wish:
    """The maintenance that a person asks for. host None: global. owner: who answers for it, "" for whoever asks.
    site: its name, as the person means it; "" when nobody was asked."""

    scope: str
    host: Host | None
    reason: str
    deadline: datetime
    change: str | Asked = ""
    owner: str = ""
    site: str = ""

    @property
    def host_name(self) -> str:
        return self.host.name if self.host else ""


def start(engine: Engine, wish: Wish, by: str, key: str = "") -> Run:
    """Enters a maintenance. by: user name. The same key gives the same Run. Raises Refused (GuardSaid when a guard rail
    refuses), with sentences."""
    earlier = _earlier(by, key, wish)
    if earlier:
        return earlier
    try:
        _asked_well(engine, wish)
        on = _guarded(engine, Act(ENTERING[wish.scope], wish.host_name), wish.host)
        return _saved(engine, wish, on, by, key)
    except Refused as refusal:
        if earlier := _earlier(by, key, wish):  # two at one time: whoever lost takes what the other one began
            return earlier
        told = {"scope": wish.scope, "host": wish.host_name, "deadline": wish.deadline.isoformat()}
        raise recorded(refusal, by, pairs.target(engine), {"wish": "maintenance", **told}) from None


def _earlier(by: str, key: str, wish: Wish) -> Run | None:
    """The Run that this key has started before: a second click starts nothing."""
    row = Window.objects.filter(enter_run__requested_by=by, enter_run__idempotency_key=key).first() if key else None
    if row is None:
        return None
    if (row.scope, row.host_id) != (wish.scope, wish.host.pk if wish.host else None):
        raise Refused("idempotency", f"The key {key!r} has entered another maintenance: use a new key.")
    return row.enter_run


def _asked_well(engine: Engine, wish: Wish) -> None:
    if wrong := modes.scope_problem(wish.scope):
        raise Refused("parameters", wrong)
    wrongs = _deadline_wrong(wish.deadline)
    if (wish.scope == modes.GLOBAL) != (wish.host is None):
        wrongs.append("Global maintenance names no host, the other scopes name one.")
    if wish.host is not None and wish.host.engine_id != engine.pk:
        wrongs.append(f"{wish.host.name} does not belong to {engine.name}.")
    if wrong := sites.wrong(engine, wish.site):
        wrongs.append(wrong)
    if not wish.reason.strip():
        wrongs.append("A maintenance needs a reason.")
    if wrongs:
        raise Refused("parameters", *wrongs)


def _deadline_wrong(deadline: datetime) -> list[str]:
    now = timezone.now()
    if deadline <= now:
        return [f"The deadline {deadline:%d %b %Y %H:%M} has passed."]
    if deadline > now + LONGEST:
        return [f"The deadline is more than {LONGEST.days} days away."]
    return []


def _guarded(engine: Engine, act: Act, host: Host | None, but: int = 0) -> int:
    """Asks the guard rails of now. Gives the key of the host that commands run on."""
    try:
        facts = standing.live(engine, but)
        if act.kind is Kind.HOST_ENTER:
            facts = replace(facts, room=room.refusal(engine, act.host, Moves.ALL))
        said = decide(facts, act)
        if isinstance(said, GuardRefused):
            raise GuardSaid(said)
        return host.pk if host else _writer(facts, pairs.members_of(engine))
    except ValueError as error:
        raise Refused("target", f"{error}."[:300]) from None


def _writer(facts: Facts, members: tuple[Member, ...]) -> int:
    """The rule `writer` has found one."""
    writer = facts.writer()
    return next(one.pk for one in members if writer is not None and one.name == writer.name)


def _common(engine: Engine, scope: str, on: int) -> dict[str, Any]:
    members = pairs.members_of(engine)
    return {"hosts": written(members), "on": on, "scope": scope, "lag": settings.HOLDFAST_HA_LAG}


def _until(deadline: datetime) -> dict[str, Any]:
    left = (deadline - timezone.now()).total_seconds() + settings.HOLDFAST_RELEASE_GRACE
    return {"deadline": deadline.isoformat(), "release_after": max(1, int(left))}


def _saved(engine: Engine, wish: Wish, on: int, by: str, key: str) -> Run:
    given = {**_common(engine, wish.scope, on), **_until(wish.deadline)}
    warm(wish.change, pairs.target(engine), by)
    try:
        with transaction.atomic():
            run = start_run(ENTER, given, pairs.target(engine), by, wish.change, key)
            window = Window.objects.create(
                engine=engine, scope=wish.scope, host=wish.host, reason=wish.reason.strip(), change=run.change,
                owner=wish.owner or by, asked_at=timezone.now(), deadline=wish.deadline, enter_run=run,
                sentence="It is being entered.",
            )  # fmt: skip
            _put(window, "window.asked", by, {"run": run.pk})
    except IntegrityError:
        # two clicks at one time: whoever lost takes what the other one wrote
        earlier = _earlier(by, key, wish)
        if earlier:
            return earlier
        raise Refused("active", f"Another maintenance of {engine.name} is open: leave it first.") from None
    return run


def _put(window: Window, kind: str, by: str, body: dict[str, Any] | None = None) -> None:
    told = {
        "scope": window.scope,
        "host": window.host.name if window.host else "",
        "owner": window.owner,
        "change": window.change,
        "deadline": window.deadline.isoformat() if window.deadline else "",
    }
    append(kind, by, f"window:{window.pk}", {**told, **(body or {})})


def _held(window_pk: int, states: tuple[str, ...], wish: str) -> Window:
    """The window's row, locked, in one of the states. Raises Refused."""
    window = Window.objects.select_for_update(of=("self",)).select_related("engine", "host").get(pk=window_pk)
    if window.state not in states:
        raise Refused("state", f"{window} is {window.state}, so it cannot be {wish}.")
    return window


def leave(window: Window, by: str, change: str | Asked = "", key: str = "") -> Run:
    """Ends a maintenance, adopted or not, whoever set it. The same key gives the same Run. Raises Refused."""
    if again := _again(by, key, LEAVE):
        return again
    engine, scope = window.engine, str(window.scope)
    try:
        if window.state != Window.State.ACTIVE:
            raise Refused("state", f"{window} is {window.state}, so it cannot be left.")
        on = _guarded(engine, Act(LEAVING[scope], window.host.name if window.host else ""), window.host, window.pk)
        # by its number alone: leaving waits for no change system
        named = replace(Asked.of(change or _change_of(window)), sys_id="")
        asked, unbound = _bindable(named, pairs.target(engine), by)
        with transaction.atomic():
            row = _held(window.pk, (Window.State.ACTIVE,), "left")
            given = {**_common(engine, scope, on), **_armed(row)}
            run = start_run(LEAVE, given, pairs.target(engine), by, asked, key)
            row.state, row.leave_run, row.sentence = Window.State.LEAVING, run, "It is being left."
            row.save(update_fields=["state", "leave_run", "sentence"])
            _put(row, "window.leave_asked", by, {"run": run.pk, **unbound})
        return run
    except Refused as refusal:
        if again := _again(by, key, LEAVE):  # two at one time
            return again
        raise recorded(refusal, by, f"window:{window.pk}", {"wish": "leave"}) from None


def _again(by: str, key: str, plan: str) -> Run | None:
    """The Run of a plan that this key has started before: a second click starts nothing."""
    return Run.objects.filter(requested_by=by, idempotency_key=key, plan=plan).first() if key else None


def _bindable(change: str | Asked, target: str, by: str) -> tuple[Asked, dict[str, str]]:
    """The change that leaving belongs to. None, with why for the record, where it cannot be meant, as when its system
    was renamed or has other sites now: leaving is never prevented."""
    asked = Asked.of(change)
    try:
        changes.bind(asked, sites.of_target(target), by, timezone.now())
    except changes.BindRefused as error:
        return Asked(), {"unbound": str(error)}
    return asked, {}


def _change_of(window: Window) -> str | Asked:
    """The change that a window was entered with, of the same system."""
    run = window.enter_run
    if run is None or not run.change_asked:
        return window.change
    return Asked.thawed(run.change_asked)


def _armed(window: Window) -> dict[str, Any]:
    return {"release": window.release if window.release_on_id else "", "armed_on": window.release_on_id or 0}


def extend(window: Window, deadline: datetime, by: str, reason: str, key: str = "", change: str | Asked = "") -> Run:
    """A later deadline: the release is armed anew by a Run, and the deadline counts when that has ended well. Raises
    Refused."""
    if not reason.strip():
        raise Refused("parameters", "An extension needs a reason.")
    return _rearm(window, deadline, by, "window.extend_asked", {"reason": reason.strip()}, key, Asked.of(change))


def adopt(window: Window, deadline: datetime, by: str, reason: str, change: str | Asked = "", key: str = "") -> Run:
    """Takes a maintenance that was set by hand into one's charge: owner, reason, deadline, and a release on the host.
    Raises Refused."""
    if not reason.strip():
        raise Refused("parameters", "An adoption needs a reason.")
    if window.owner:
        raise Refused("state", f"{window} has an owner already: {window.owner}.")
    asked = Asked.of(change)
    told = {"owner": by, "reason": reason.strip()[:300], "change": asked.number[:80]}
    return _rearm(window, deadline, by, "window.adopted", {"reason": reason.strip()}, key, asked, **told)


def _rearm(
    window: Window,
    deadline: datetime,
    by: str,
    kind: str,
    body: dict[str, Any],
    key: str,
    asked: Asked | None = None,
    **fields: str,
) -> Run:
    if again := _again(by, key, EXTEND):
        return again
    try:
        if wrong := _deadline_wrong(deadline):
            raise Refused("parameters", *wrong)
        change = asked if asked is not None and asked.number else _change_of(window)
        warm(change, pairs.target(window.engine), by)
        with transaction.atomic():
            row = _held(window.pk, (Window.State.ACTIVE,), "given a new deadline")
            on = row.release_on_id or (row.host_id if row.host_id else _any_writer(row.engine))
            given = {**_common(row.engine, row.scope, on), **_until(deadline), **_armed(row), "window": row.pk}
            run = start_run(EXTEND, given, pairs.target(row.engine), by, change, key)
            for name, value in fields.items():
                setattr(row, name, value)
            if fields:
                row.deadline = deadline
                row.save(update_fields=[*fields, "deadline"])
            _put(row, kind, by, {**body, "to": deadline.isoformat(), "run": run.pk})
        return run
    except Refused as refusal:
        if again := _again(by, key, EXTEND):  # two at one time
            return again
        raise recorded(refusal, by, f"window:{window.pk}", {"wish": "new deadline"}) from None


def _any_writer(engine: Engine) -> int:
    """Who can end global maintenance by itself later. Raises Refused."""
    facts = standing.live(engine)
    if facts.writer() is None:
        raise Refused("state", "No host has a running agent, so none could end it by itself.")
    return _writer(facts, pairs.members_of(engine))
