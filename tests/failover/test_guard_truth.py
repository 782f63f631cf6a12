"""The guard rails against the lab: facts from what its hosts say, and what really becomes of the engine when an allowed
act is done."""

from __future__ import annotations

import pytest

from failover.catalog.sight import read
from failover.verdicts.guard import Act, Allowed, Kind, decide
from failover.verdicts.guard_seen import Standing, facts
from inventory.probes.ha_state import UNITS
from lab import life, life_agent, life_vm
from tests.failover.test_maintenance_steps import KEYS, given, out, seen
from tests.fixtures_lab import he, pass_time, quiet_estate

A, B = "kvm01", "kvm02"
LONG = 1500  # lab seconds, after which every restart of the engine has ended


def mode(name, which):
    def act(world):
        he(world, name, "--set-maintenance", f"--mode={which}")
        pass_time(world, 60)

    return act


def agent_stopped(name):
    def act(world):
        life_agent.stop(world, world.hosts[name])
        pass_time(world, 90)

    return act


def engine_killed(world):
    he(world, A, "--vm-poweroff")
    pass_time(world, 200)


def standby_dark(world):
    life.power(world, B, False)
    pass_time(world, 120)


SCENES = {
    "healthy": lambda world: None,
    "local on the standby": mode(B, "local"),
    "global": mode(B, "global"),
    "agent of the standby stopped": agent_stopped(B),
    "agent of the active host stopped": agent_stopped(A),
    "engine VM killed 200 s ago": engine_killed,
    "standby without power": standby_dark,
}
# how many of ACTS are allowed; 0 elsewhere. A rail that refused everything would be safe and useless.
ALLOWED = {"healthy": 8, "local on the standby": 1, "global": 1, "engine VM killed 200 s ago": 2}
DEEDS = {
    Kind.GLOBAL_ENTER: lambda world, act: mode(B, "global")(world),
    Kind.GLOBAL_LEAVE: lambda world, act: mode(B, "none")(world),
    Kind.LOCAL_ENTER: lambda world, act: mode(act.host, "local")(world),
    Kind.LOCAL_LEAVE: lambda world, act: mode(act.host, "none")(world),
    Kind.SWITCHOVER: lambda world, act: life.migrate(world, engine_vm(world), act.host),
    Kind.POWEROFF_ENGINE_VM: lambda world, act: he(world, life_vm.running_on(world), "--vm-poweroff"),
    Kind.STOP_AGENT: lambda world, act: life_agent.stop(world, world.hosts[act.host]),
    Kind.POWER_LOSS: lambda world, act: life.power(world, act.host, False),
}
ACTS = [
    Act(kind, host)
    for kind in DEEDS
    for host in ([""] if kind in (Kind.GLOBAL_ENTER, Kind.GLOBAL_LEAVE, Kind.POWEROFF_ENGINE_VM) else [A, B])
]


def engine_vm(world) -> str:
    return next(vm.id for vm in world.vms.values() if vm.is_engine)


def told(world):
    """The facts as the portal gets them from the hosts that answer."""
    parameters = given()
    answers = seen(world)
    for name, pk in KEYS.items():
        host = world.hosts[name]
        units = "".join(f"{host.units.get(unit, 'inactive')}\n" for unit in UNITS)
        answers[f"state.units@{pk}"] = out(units)
        if not host.powered:
            silent = {key: out() for key in answers if key.endswith(f"@{pk}")}
            answers |= dict.fromkeys(silent, type(out())(b"", b"It does not answer.", None))
    sight = read(answers, parameters)
    states = {one.name: sight.states[one.pk] for one in sight.members}
    statuses = {name: "up" if world.hosts[name].powered else "non_responsive" for name in KEYS}
    return facts(sight.verdict, states, Standing(statuses))


def scene(name):
    world = quiet_estate()
    SCENES[name](world)
    return world


@pytest.mark.parametrize("name", SCENES)
def test_after_an_allowed_act_the_engine_serves_and_somebody_guards_it(name):
    seen_now = told(scene(name))
    allowed = [act for act in ACTS if isinstance(decide(seen_now, act), Allowed)]
    for act in allowed:
        world = scene(name)
        DEEDS[act.kind](world, act)
        pass_time(world, LONG)
        local = [host.name for host in world.hosts.values() if host.local_maintenance or host.local_maintenance_manual]
        assert (life.engine_phase(world), len(local) < 2) == ("up", True), (act, life_vm.running_on(world), local)
        if act.kind not in (Kind.GLOBAL_ENTER, Kind.STOP_AGENT, Kind.POWER_LOSS):
            assert not (world.global_maintenance and local), act
    assert len(allowed) == ALLOWED.get(name, 0), allowed
