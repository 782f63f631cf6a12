"""The prechecks that the engine's API, the storage paths and the portal's own records answer (facts/hosted-engine.md 6,
pre-checks 7 to 11)."""

from __future__ import annotations

from collections.abc import Mapping

from failover.verdicts.check import Said, go, no_go, unknown
from failover.verdicts.readiness_inputs import Inputs
from failover.verdicts.room import Moves, carries

HOUR = 3600.0
_REACH = "Make the engine's API answer: a drill does not begin while it cannot be asked."


def rest_hosts(given: Inputs) -> Said:
    """The engine lists every hosted-engine host as up, with its HA active and a score. What it says may be cached, so
    this only adds to what the hosts say themselves (4)."""
    hosts = given.engine.hosts
    if hosts is None:
        return unknown(f"The engine's hosts are not known. {given.engine.why}", _REACH)
    wrong = [f"{one.name} is {one.status}" for one in hosts if one.status != "up"]
    wrong += [f"HA of {one.name} is not active" for one in hosts if one.status == "up" and not one.active]
    if wrong:
        return no_go(
            f"As the engine sees it, {'; '.join(wrong)}.", "Activate the host, or see why it is not up.", *wrong
        )
    return go("The engine sees every hosted-engine host up and its HA active.")


def idle(given: Inputs) -> Said:
    """No migration and no job runs in the engine."""
    migrating, jobs = given.engine.migrating, given.engine.jobs
    if migrating is None or jobs is None:
        return unknown(f"What the engine is doing is not known. {given.engine.why}", _REACH)
    busy = [f"{name} is being migrated" for name in migrating] + [f"job: {text}" for text in jobs]
    if busy:
        return no_go(f"The engine is at work: {'; '.join(busy[:3])}.", "Wait until it has ended.", *busy)
    return go("No VM is being migrated and no job runs in the engine.")


def spm(given: Inputs) -> Said:
    """One host holds the storage pool manager's role, nobody contends for it."""
    hosts = given.engine.hosts
    if hosts is None:
        return unknown(f"Who is the SPM is not known. {given.engine.why}", _REACH)
    contending = [one.name for one in hosts if one.spm == "contending"]
    if contending:
        return no_go(f"{' and '.join(contending)} contends for the SPM role.", "Wait until one host holds it.")
    return go("Nobody contends for the SPM role.")


def paths(given: Inputs) -> Said:
    """Every declared path of every host carries I/O. HA's score says nothing about LUNs (3.1)."""
    unread = [f"{name}: {one.why}" for name, one in given.paths.items() if one.missing is None]
    lost = [f"{name}: {line}" for name, one in given.paths.items() for line in one.missing or ()]
    bare = [name for name, one in given.paths.items() if one.missing is not None and one.declared == 0]
    if lost:
        words = f"{len(lost)} declared paths do not carry I/O, the first on {lost[0]}."
        return no_go(words, "Mend the paths, or declare anew what is right.", *lost[:20])
    if unread or not given.paths:
        words = f"The LUN paths could not be read. {' '.join(unread)}".strip()
        return unknown(words, "Make `multipathd show maps json` answer on every host.", *unread)
    if bare:
        words = f"No path is declared on {' and '.join(bare)}, so one that is missing would not be seen."
        return unknown(words, "Declare the paths of the host while they are whole.")
    count = sum(one.declared for one in given.paths.values())
    return go(f"All {count} declared paths carry I/O.")


def backup(given: Inputs) -> Said:
    """A backup that a rehearsal has proven, young enough, off the engine VM."""
    one = given.backup
    if not one.name:
        return no_go(
            "No backup of this engine is proven restorable and held off the engine VM.",
            "Take a backup and rehearse its restore.",
        )
    words = f"The newest proven backup, {one.name}, is {one.age / HOUR:.1f} h old"
    if one.age > one.most:
        return no_go(f"{words}; at most {one.most / HOUR:g} h are allowed.", "Take a backup and rehearse its restore.")
    return go(f"{words}.")


def alone(given: Inputs) -> Said:
    """No other run, maintenance window or backup is under way on this engine or its hosts."""
    busy = given.portal.busy
    if busy:
        return no_go(" ".join(busy), "Wait for it, or end it.", *busy)
    return go("No other run and no maintenance window is under way here.")


def cool_down(given: Inputs) -> Said:
    """600 s between two drills that restart the engine VM: a second one inside leaves nobody to start it (6b)."""
    left = given.portal.cooling
    if left > 0:
        words = f"{given.portal.after} ended a moment ago; the cool-down lasts {left:.0f} s more."
        return no_go(words, "Wait: a second drill now can leave both hosts with score 0.")
    return go("No drill ended within the cool-down.")


def calendar(given: Inputs) -> Said:
    """No time is blacked out: month end, a release, the database's critical hours."""
    if given.portal.blackout:
        return no_go(f"No drill begins now: {given.portal.blackout}.", "Choose another time, or end the blackout.")
    return go("The calendar has no blackout now.")


# what a plan moves away from the engine's host, where it is not the engine VM alone
MOVES: Mapping[str, Moves] = {
    "she_agent_stop": Moves.NOTHING,
    "fabric_path_loss": Moves.NOTHING,
    "host_power_loss": Moves.AVAILABLE,
}


def room(given: Inputs) -> Said:
    """The other host can carry what leaves the engine's host (6, pre-checks 10 and 11). A plan that is not named here
    moves the engine VM."""
    moves = MOVES.get(given.plan, Moves.ENGINE)
    if moves is Moves.NOTHING:
        return go("This plan moves no VM.")
    said, on = given.room, given.sight.engine_on() if given.sight else None
    if said.hosts is None or said.vms is None:
        return unknown(f"Whether the other host has room is not known. {said.why}", _REACH)
    if on is None:
        return unknown("From which host the engine VM would move is not known.", "Look again.")
    return carries(said.hosts, said.vms, on.name, moves)


def fencing(given: Inputs) -> Said:
    """The host that is to be fenced has power management."""
    if not given.fences:
        return go("The power is cut and given by a person, so no fencing is needed.")
    one = next((host for host in given.engine.hosts or () if host.name == given.fences), None)
    if one is None or one.power_management is None:
        return unknown(f"Whether {given.fences} has power management is not known. {given.engine.why}".strip(), _REACH)
    if not one.power_management:
        return no_go(
            f"{one.name} has no power management in the engine.", "Configure it, or let a person cut the power."
        )
    return go(f"{one.name} has power management.")
