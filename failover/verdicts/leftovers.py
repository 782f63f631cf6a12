"""What must never be left behind on a hosted-engine pair, of any origin (facts/hosted-engine.md 6, closing checks),
each with the exact command that ends it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from failover.verdicts.guard_facts import Facts, HostFacts

NONE = "hosted-engine --set-maintenance --mode=none"
DOWN_LIMIT = 600.0  # seconds after which score 0 is no penalty any more, but left behind (3.2: 560 s)


@dataclass(frozen=True)
class Owned:
    """The open window: what it may set is not left behind. scope "": none is open."""

    scope: str = ""
    host: str = ""


@dataclass(frozen=True)
class Beside:
    """What the facts of the guard rails do not hold, per host. broker: systemd's word, "" not known. detail: the engine
    VM's, as its record of now says. zero_for: seconds with score 0, None when not known."""

    broker: str = ""
    detail: str = ""
    zero_for: float | None = None


@dataclass(frozen=True)
class Leftover:
    """what: short name. host: "" for the pair. state: warn, fail or unknown. command: what ends it, where. check: the
    finding (probe, check) that tells since when; ("", "") where none does."""

    what: str
    host: str
    state: str
    sentence: str
    command: str
    check: tuple[str, str] = ("", "")


def left(facts: Facts, beside: dict[str, Beside], owned: Owned) -> tuple[Leftover, ...]:
    """Everything that was found, the gravest first. What an open window set is its own and not listed."""
    found = [*_pair(facts, owned)]
    for one in facts.hosts:
        found += _host(one, beside.get(one.name, Beside()), owned)
    return tuple(sorted(found, key=lambda item: ("fail", "warn", "unknown").index(item.state)))


def _pair(facts: Facts, owned: Owned) -> Iterator[Leftover]:
    if facts.global_on and owned.scope != "global":
        writer = facts.writer()
        where = f"on {writer.name}" if writer else "on a host whose agent runs"
        words = "Global maintenance is on: HA starts, stops and moves nothing."
        yield Leftover("global", "", "warn", words, f"{where}: {NONE}", ("she_status", "global_maintenance"))
    inside = [one for one in facts.hosts if one.local]
    if facts.hosts and len(inside) == len(facts.hosts):
        words = "Every host is in local maintenance: nobody could start the engine VM."
        yield Leftover("both", "", "fail", words, f"on {inside[0].name}: {NONE}", ("ha_state", "maintenance_flags"))


def _host(one: HostFacts, beside: Beside, owned: Owned) -> Iterator[Leftover]:
    mine = owned.host == one.name
    if not mine:
        yield from _maintenance(one)
    yield from _services(one, beside)
    if one.score == 0 and not one.local and (beside.zero_for is None or beside.zero_for > DOWN_LIMIT):
        words = f"{one.name} has score 0 in state {one.state or 'not known'}: it takes no engine VM."
        command = f"on {one.name}: tail -n 100 /var/log/ovirt-hosted-engine-ha/agent.log"
        yield Leftover("score", one.name, "fail", words, command, ("she_status", "scores"))
    yield from _engine_vm(one, beside)


def _maintenance(one: HostFacts) -> Iterator[Leftover]:
    check = ("ha_state", "maintenance_flags")
    if one.status in ("maintenance", "preparing_for_maintenance"):
        words = f"The engine holds {one.name} in maintenance."
        yield Leftover("held", one.name, "warn", words, f"in the engine: activate the host {one.name}")
    elif one.flag_local or one.flag_manual:
        hidden = "" if one.published else " vm-status does not show it: its agent publishes nothing."
        by = "the manual flag alone; activating the host does not end it" if not one.flag_local else "ha.conf"
        words = f"{one.name} is in local maintenance by {by}.{hidden}"
        yield Leftover("local", one.name, "warn", words, f"on {one.name}: {NONE}", check)
    elif one.flag_local is None or one.flag_manual is None:
        words = f"Whether ha.conf of {one.name} holds a maintenance flag is not known."
        command = f"on {one.name}: cat /var/lib/ovirt-hosted-engine-ha/ha.conf"
        yield Leftover("flags", one.name, "unknown", words, command, check)


def _services(one: HostFacts, beside: Beside) -> Iterator[Leftover]:
    for unit, word in (("ovirt-ha-agent", one.agent), ("ovirt-ha-broker", beside.broker)):
        if word and word not in ("active", "activating", "reloading"):
            words = f"{unit} of {one.name} is {word}: nothing guards the engine VM from there."
            command = f"on {one.name}: systemctl enable --now {unit}"
            yield Leftover("unit", one.name, "fail", words, command, ("ha_state", unit.replace("-", "_")))
    if one.reachable and one.live is False and one.agent == "active" and not one.local:
        words = f"{one.name} runs and its record is not live: HA does not count on it."
        command = f"on {one.name}: systemctl restart ovirt-ha-agent"
        yield Leftover("stale", one.name, "fail", words, command, ("she_status", "hosts_live"))


def _engine_vm(one: HostFacts, beside: Beside) -> Iterator[Leftover]:
    if beside.detail == "Paused":
        words = f"The engine VM is paused on {one.name}: its storage failed, and HA does not count it as down."
        command = f"on {one.name}: multipath -ll, then hosted-engine --vm-poweroff"
        yield Leftover("paused", one.name, "fail", words, command, ("she_status", "engine_vm"))
    if beside.detail == "Down":
        words = f"The host {one.name} still keeps a record of the engine VM as Down."
        command = (
            f"on {one.name}: vdsm-client VM destroy vmID=$(. /etc/ovirt-hosted-engine/hosted-engine.conf; echo $vmid)"
        )
        yield Leftover("record", one.name, "warn", words, command, ("she_status", "engine_vm"))
