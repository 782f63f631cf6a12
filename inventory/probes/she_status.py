"""What one self-hosted engine host says of all of them (facts/hosted-engine.md 2). One observer's view: the cluster's
verdict merges the views of all (inventory/verdicts/she.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from inventory.probes.reading.vm_status import HeHostStatus, HeSnapshot, read_json
from inventory.probes.reading.vm_status_refusals import refusal
from portal.kernel.command import Command
from portal.kernel.finding import Finding, Subject
from portal.kernel.outcome import Outcome
from portal.kernel.output import Output
from portal.kernel.probe import Declared, HostOutputs, Probe

FULL_SCORE = 3400
STOPPING_STATES = ("EngineStop", "EngineForceStop")  # the agent has decided to shut the engine VM down (3.2)
IDLE_STATE = "UnknownLocalVmState"  # vdsm fails there: its agent does nothing at all until it answers (3.2)
STOP_AT = 800  # an agent whose score is this much below the best stops the engine VM (3.1)
COMMAND = Command(("hosted-engine", "--vm-status", "--json"), timeout=15, root=True)

Said = tuple[Outcome, str]


def parse(outputs: HostOutputs) -> HeSnapshot:
    """Section vm_status in. Success is exit code 0 and a JSON object with hosts; raises NoStatus otherwise."""
    output: Output = outputs["vm_status"]
    why = refusal(output)
    if why is not None:
        raise why
    return read_json(output.text())


def judge(seen: HeSnapshot, declared: Declared) -> list[Finding]:
    """One finding per question, all about the observing host."""
    subject = Subject("host", declared.name)
    blind = not seen.sees(declared.he_host_id)
    said: dict[str, Said] = {"observer": observer(seen, declared), "hosts_listed": hosts_listed(seen, declared)}
    said["global_maintenance"] = global_maintenance(seen, declared)
    for check, ask in (
        ("hosts_live", hosts_live),
        ("agents", agents),
        ("scores", scores),
        ("local_maintenance", local_maintenance),
        ("engine_vm", engine_vm),
    ):
        said[check] = (Outcome.UNKNOWN, _blind_words(declared)) if blind else ask(seen, declared)
    return [Finding(check, outcome, subject, words) for check, (outcome, words) in said.items()]


def _blind_words(declared: Declared) -> str:
    return f"{declared.name} is a blind observer now, so what it says about this is not used; ask another host."


def _names(hosts: Iterable[HeHostStatus]) -> str:
    return ", ".join(f"{one.hostname} (id {one.host_id})" for one in hosts)


def _ids(ids: Iterable[int]) -> str:
    return ", ".join(str(one) for one in ids)


def observer(seen: HeSnapshot, declared: Declared) -> Said:
    """Is this host able to tell who is alive? Only with a live record of its own (2.4)."""
    if declared.he_host_id is None:
        return Outcome.UNKNOWN, f"The hosted-engine host id of {declared.name} is not known: declare it."
    own = seen.host(declared.he_host_id)
    if own is None:
        return (
            Outcome.UNKNOWN,
            f"{declared.name} does not find its own record (id {declared.he_host_id}): see agent.log.",
        )
    if not own.live:
        return Outcome.UNKNOWN, (
            f"{declared.name} does not publish its own record: its HA agent is stopped, starting, waits in local "
            "maintenance, or waits for vdsmd or sanlock. See ovirt-ha-agent and ha.conf there."
        )
    return Outcome.OK, f"{declared.name} publishes its record and can see the other hosts."


def hosts_listed(seen: HeSnapshot, declared: Declared) -> Said:
    """Are all declared host ids there and readable? A record with a bad checksum is silently absent (2.6)."""
    if seen.unreadable:
        first = seen.unreadable[0]
        return Outcome.UNKNOWN, f"The record of host id {first.host_id} cannot be read: {first.why}."
    if declared.he_host_ids is None:
        return Outcome.WARN, f"{len(seen.hosts)} hosts are listed; which must be listed is not declared."
    missing = [one for one in declared.he_host_ids if seen.host(one) is None]
    if missing:
        return Outcome.UNKNOWN, f"The record of host id {_ids(missing)} is absent or damaged in the shared metadata."
    extra = [one.host_id for one in seen.hosts if one.host_id not in declared.he_host_ids]
    if extra:
        return Outcome.WARN, f"Host id {_ids(extra)} is listed, but not declared: declare it or clean its metadata."
    return Outcome.OK, f"All {len(declared.he_host_ids)} hosts are listed."


def global_maintenance(seen: HeSnapshot, declared: Declared) -> Said:
    """The cluster-wide flag, as this broker reads it; up to 20 s late on hosts that did not set it (4)."""
    if seen.global_maintenance is None:
        return Outcome.UNKNOWN, f"{declared.name} does not say whether global maintenance is on."
    if seen.global_maintenance:
        return Outcome.WARN, (
            "Global maintenance is on: HA starts, stops and moves nothing, and a dead engine VM stays dead. End it "
            "with `hosted-engine --set-maintenance --mode=none`."
        )
    return Outcome.OK, "Global maintenance is off."


def hosts_live(seen: HeSnapshot, declared: Declared) -> Said:
    """Did every other host's record change within the last 60 s? Right after an agent start none seems to (2.4)."""
    stale = [one for one in seen.hosts if not one.live]
    if stale:
        return Outcome.UNKNOWN, (
            f"The record of {_names(stale)} did not change for 60 s as {declared.name} sees it, so it says nothing "
            "about now: see whether that host and its HA agent run."
        )
    return Outcome.OK, f"All {len(seen.hosts)} records are live."


def agents(seen: HeSnapshot, declared: Declared) -> Said:
    """Did an agent publish that it stopped? Then that host neither guards nor takes over the engine VM (6 c)."""
    stopped = [one for one in seen.hosts if one.stopped]
    if stopped:
        return Outcome.FAIL, (
            f"The HA agent of {_names(stopped)} is stopped, or waits in local maintenance after a restart: read "
            "ha.conf there, then start ovirt-ha-agent."
        )
    silent = [one for one in seen.hosts if one.live and not one.state]
    if silent:
        return Outcome.UNKNOWN, f"The record of {_names(silent)} names no single agent state: see agent.log there."
    idle = [one for one in seen.hosts if one.live and one.state == IDLE_STATE]
    if idle:
        return Outcome.FAIL, (
            f"The HA agent of {_names(idle)} cannot tell whether the engine VM runs there, so it neither guards nor "
            f"starts it (state {IDLE_STATE}): see vdsmd there."
        )
    return Outcome.OK, "No HA agent is stopped."


def scores(seen: HeSnapshot, declared: Declared) -> Said:
    """Scores of live hosts: 0 takes no engine VM; 800 below the best makes the agent stop it (3.1)."""
    live = [one for one in seen.hosts if one.live]
    zero = [one for one in live if one.score == 0 and not one.maintenance and not one.stopped]
    if zero:
        return Outcome.FAIL, "; ".join(_zero(one) for one in zero) + "."
    running = [one for one in live if one.vm_up]
    best = max((one.score for one in live), default=0)
    low = [one for one in running if best - one.score >= STOP_AT and one.state in ("EngineUp", "EngineUpBadHealth")]
    if low:
        return Outcome.FAIL, (
            f"{_names(low)} runs the engine VM with a score {best - low[0].score} below the best: its agent stops the "
            "VM, it does not migrate it. Find the penalty now."
        )
    short = [one for one in live if 0 < one.score < FULL_SCORE]
    if short:
        words = ", ".join(f"{one.hostname} {one.score}" for one in short)
        return Outcome.WARN, f"Scores are below {FULL_SCORE}: {words}. Read the penalties in agent.log."
    return Outcome.OK, f"No live host has a penalty: {', '.join(f'{one.hostname} {one.score}' for one in live)}."


def _zero(one: HeHostStatus) -> str:
    words = f"{one.hostname} (id {one.host_id}) has score 0 in state {one.state or 'unknown'}"
    if one.state == "EngineUnexpectedlyDown" and one.timeout_left is not None:
        words += f" for another {max(one.timeout_left, 0)} s, since its engine VM ended unexpectedly"
    return words


def local_maintenance(seen: HeSnapshot, declared: Declared) -> Said:
    """Local maintenance as published. The flags in ha.conf may say otherwise: see the probe ha_state (4, trap 5)."""
    inside = [one for one in seen.hosts if one.maintenance]
    if inside:
        return Outcome.WARN, f"{_names(inside)} is in local maintenance and cannot take over the engine VM."
    return Outcome.OK, "No host publishes local maintenance."


def engine_vm(seen: HeSnapshot, declared: Declared) -> Said:
    """Where the engine VM runs, by records of now alone. A stale record that says up is no claim (2.4)."""
    up = [one for one in seen.hosts if one.vm_up]
    serving = [one for one in up if one.serving]
    if len(serving) > 1:
        return Outcome.FAIL, f"{_names(serving)} each claim a running, good engine: compare both hosts at once."
    if len(up) > 1:
        return Outcome.WARN, f"{_names(up)} each have an engine VM up or starting; sanlock lets only one run."
    stopping = [one for one in serving if one.state in STOPPING_STATES]
    if stopping:
        words = f"The engine still answers on {_names(stopping)}, but its agent stops the engine VM"
        return Outcome.FAIL, f"{words} (state {stopping[0].state}): read the reason in agent.log there."
    if serving:
        moving = " and is being migrated" if serving[0].detail != "Up" else ""
        return (Outcome.WARN if moving else Outcome.OK), f"The engine runs on {_names(serving)}{moving}; health good."
    if up:
        return Outcome.FAIL, _not_good(up[0])
    unsure = [one for one in seen.hosts if one.live and not one.vm_known]
    if unsure:
        return Outcome.UNKNOWN, (
            f"{_names(unsure)} cannot tell whether the engine VM runs there: see vdsmd there, and ask the engine's "
            "health page."
        )
    if all(one.live for one in seen.hosts) and not seen.unreadable:
        return Outcome.FAIL, f"No host runs the engine VM: {'; '.join(_down(one) for one in seen.hosts)}."
    return Outcome.UNKNOWN, (
        f"{declared.name} sees no live host that runs the engine VM, and the records of other hosts are not of now: "
        "ask those hosts and the engine's health page."
    )


def _not_good(one: HeHostStatus) -> str:
    why = one.reason or "no reason given"
    words = f"The engine VM is on {_names([one])}, but does not serve: {one.detail or 'no detail'}, {why}"
    if one.state == "EngineUpBadHealth" and one.timeout_left is not None:
        words += f"; HA restarts it in about {max(one.timeout_left, 0)} s"
    return f"{words} (state {one.state or 'unknown'})."


def _down(one: HeHostStatus) -> str:
    return f"{one.hostname} {one.state or 'unknown'}, vm {one.vm or 'unknown'}"


def numbers(seen: HeSnapshot) -> Mapping[str, float]:
    """score_<host id> of live records."""
    return {f"score_{one.host_id}": float(one.score) for one in seen.hosts if one.live}


PROBE = Probe(
    name="she_status",
    title="Self-hosted engine status",
    every=3,
    target="host",
    commands={"vm_status": COMMAND},
    parse=parse,
    judge=judge,
    numbers=numbers,
    applies=lambda traits: traits.hosted_engine,
)
