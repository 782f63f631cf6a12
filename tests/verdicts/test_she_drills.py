"""The verdict through whole drills of the lab's estate, asked every few seconds: it must never say that the engine is
protected while the lab knows that it is not, and must come back to it."""

from __future__ import annotations

from typing import Any

from inventory.probes.engine_health import Answer as Page
from inventory.probes.engine_health import EngineHealth
from inventory.probes.ha_state import PROBE, parse
from inventory.probes.she_status import parse as parse_status
from inventory.verdicts.answer import Word
from inventory.verdicts.she import Kind, SheVerdict, judge, survive_host_loss
from inventory.verdicts.she_inputs import EngineHost, EngineWitness, HostState, Observation
from lab import faults, life_hosts, life_vm
from portal.kernel.output import Output, ParseError
from tests.fixtures_lab import he, pass_time, quiet_estate

HOSTS = ("kvm01", "kvm02")


def output(reply: Any) -> Output:
    return Output(reply.out.encode(), reply.err.encode(), reply.rc)


def observe(world: Any, number: int, name: str) -> Observation:
    if not life_hosts.reachable(world, world.hosts[name]):
        return Observation(name, number, 1.0, None, f"{name} cannot be reached over SSH.")
    try:
        return Observation(
            name, number, 1.0, parse_status({"vm_status": output(he(world, name, "--vm-status", "--json"))})
        )
    except ParseError as error:
        return Observation(name, number, 1.0, None, str(error))


def flags(world: Any, number: int, name: str) -> HostState:
    host = world.hosts[name]
    if not life_hosts.reachable(world, host):
        return HostState(name, number, 1.0, None, "It cannot be reached over SSH.")
    conf = f"local_maintenance={host.local_maintenance}\nlocal_maintenance_manual={host.local_maintenance_manual}\n"
    log = "\n".join(host.log[-60:]) + "\n"
    uptime = world.at - host.booted
    age = (host.agent.started - host.booted) * 1e6
    outputs = {
        "ha_conf": conf,
        "agent_log": log,
        "uptime": f"{uptime:.2f} 1.00\n",
        "agent_start": f"ActiveEnterTimestampMonotonic={max(1, int(age))}\n",
    }
    assert set(outputs) <= set(PROBE.commands)
    return HostState(name, number, 1.0, parse({part: Output(text.encode(), b"", 0) for part, text in outputs.items()}))


def verdict(world: Any) -> SheVerdict:
    kind = {"up": "good", "503": "starting"}.get(life_vm.phase(world), "unreachable")
    page = Page(kind, "", 0.1)
    witness = EngineWitness(1.0, EngineHealth(page, page, page, "", "", (), (), None, 0.0, None))
    hosts = [EngineHost(name, number, "up") for number, name in enumerate(HOSTS, 1)]
    observations = [observe(world, number, name) for number, name in enumerate(HOSTS, 1)]
    states = [flags(world, number, name) for number, name in enumerate(HOSTS, 1)]
    return judge(observations, states, witness, hosts, world.at)


def course(world: Any, seconds: int, step: int = 5) -> list[Kind]:
    """The kinds in the order in which they came, each once per stretch."""
    seen: list[Kind] = []
    for _ in range(seconds // step):
        found = verdict(world)
        if not seen or seen[-1] is not found.kind:
            seen.append(found.kind)
        pass_time(world, step)
    return seen


def test_power_loss_of_the_active_host():
    world = quiet_estate()
    assert verdict(world).kind is Kind.PROTECTED
    faults.inject(world, "power-off", "kvm01", {})
    kinds = course(world, 600)
    assert Kind.PROTECTED not in kinds
    assert Kind.FAILING_OVER in kinds
    assert kinds[-1] is Kind.UNPROTECTED
    assert verdict(world).engine_on == "kvm02"
    faults.clear(world, "power-off", "kvm01")
    assert course(world, 600)[-1] is Kind.PROTECTED
    assert survive_host_loss(verdict(world)).word is Word.YES


def test_power_loss_of_the_standby():
    world = quiet_estate()
    faults.inject(world, "power-off", "kvm02", {})
    kinds = course(world, 200)
    assert Kind.PROTECTED not in kinds
    assert kinds[-1] is Kind.UNPROTECTED


def test_shutdown_of_the_engine_vm():
    world = quiet_estate()
    assert he(world, "kvm01", "--vm-shutdown").rc == 0
    pass_time(world, 30)
    kinds = course(world, 400)
    assert Kind.PROTECTED not in kinds  # the first host is at score 0 for 560 s
    assert Kind.FAILING_OVER in kinds
    assert kinds[-1] is Kind.UNPROTECTED
    assert course(world, 500)[-1] is Kind.PROTECTED


def test_maintenance_comes_and_goes():
    world = quiet_estate()
    assert he(world, "kvm02", "--set-maintenance", "--mode=global").rc == 0
    pass_time(world, 25)
    assert course(world, 60) == [Kind.IN_MAINTENANCE]
    assert he(world, "kvm01", "--set-maintenance", "--mode=none").rc == 0
    assert course(world, 120)[-1] is Kind.PROTECTED
    assert he(world, "kvm02", "--set-maintenance", "--mode=local").rc == 0
    pass_time(world, 25)
    assert course(world, 60) == [Kind.IN_MAINTENANCE]


def test_a_stopped_agent_on_the_active_host():
    world = quiet_estate()
    faults.inject(world, "stop-agent", "kvm01", {})
    kinds = course(world, 300)
    assert kinds[-1] is not Kind.PROTECTED
    assert survive_host_loss(verdict(world)).word is not Word.YES
