"""How far an incident is: its phases on one axis of seconds since it began. An edge is either measured or a bound of
facts/hosted-engine.md 6; what neither measures nor bounds has no end here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from inventory.probes.she_status import STOPPING_STATES
from inventory.verdicts.incident import BAD_HEALTH, DECLARED, Course, Scene
from inventory.verdicts.she import STARTING_STATES

LEASE = (120.0, 160.0)  # after the loss: last renewal, up to 20 s before it, + sanlock's 140 s, 6 (d)
STARTING = 600.0  # EngineStarting's own limit, 3.3; guest boot and engine start have no number of their own
SEEN = 40.0  # until an agent sees bad health: 10 s poll, 20 s HTTP, one tick, 6 (e)
TICK = 20.0  # EngineUpBadHealth's timer starts one tick after its entry, and ends one after its end, 6 (e)
STOPPED = 310.0  # EngineStop gives the guest 300 s, then EngineForceStop within a tick, 6 (e)
RESTART = 40.0  # from EngineDown, or from a VM that ended, to the next start: read 10, act 10, 6 (b) and (e)
TAKEOVER = 38.0  # from a VM that ended to its start elsewhere, 6 (b)
PENALTY = 570.0  # EngineUnexpectedlyDown's score 0: 560 s and a tick, 3.3
BOOT = "guest boot and engine start"


class State(StrEnum):
    """done: over, running: now, expected: to come."""

    DONE = "done"
    RUNNING = "running"
    EXPECTED = "expected"


@dataclass(frozen=True)
class Phase:
    """Seconds since the incident began. end: measured when measured is True, else the latest that facts allow; None: no
    number. least: the earliest that facts allow. words: what the end is, for a person."""

    title: str
    state: State
    begin: float
    end: float | None
    least: float | None = None
    words: str = ""
    measured: bool = False


def phases(scene: Scene) -> tuple[Phase, ...]:
    """In order of time; () where there is nothing to wait for, or nothing is known of how long."""
    make = {
        Course.HOST_LOST: _host_lost,
        Course.STANDBY_LOST: _standby_lost,
        Course.VM_ENDED: _vm_ended,
        Course.BAD_HEALTH: _bad_health,
        Course.NO_SCORE: _no_score,
        Course.UNSEEN: _unseen,
    }.get(scene.course)
    return make(scene) if make is not None and scene.since is not None else ()


def lease_free(scene: Scene) -> float:
    """Seconds after the last answer of a lost host by which the engine VM's lease is free at the latest."""
    return scene.gap + LEASE[1]


def waits_for_lease(scene: Scene) -> bool:
    """The engine VM's lease may still be held: no guest runs yet, and the latest bound has not passed."""
    record = scene.starter.record if scene.starter is not None else None
    booting = record is not None and record.detail in ("Powering up", "Up")
    return not booting and scene.elapsed <= lease_free(scene)


def limit(scene: Scene) -> float | None:
    """Seconds since the beginning by which HA's own limit for the start has passed; None when no start is bounded."""
    boot = next((one for one in reversed(phases(scene)) if one.title.endswith(BOOT)), None)
    return None if boot is None or boot.state is State.DONE else _started(scene) + STARTING


def _started(scene: Scene) -> float:
    """When the start began: as its agent's log was seen to say, else the latest that facts allow."""
    said = _tried(scene)
    if said is not None:
        return said
    begins = {
        Course.HOST_LOST: _declared(scene) or scene.gap + DECLARED[1],
        Course.VM_ENDED: scene.gap + TAKEOVER,
        Course.BAD_HEALTH: _countdown(scene)[1] + STOPPED + RESTART,
        Course.NO_SCORE: _free(scene) + RESTART,
    }
    return max(begins.get(scene.course, 0.0), 0.0)


def _tried(scene: Scene) -> float | None:
    """When the agent that starts the engine VM was seen to say so, since the incident began."""
    if scene.starter is None or scene.since is None:
        return None
    at = scene.moments.tried.get(scene.starter.host)
    return at - scene.since if at is not None and at >= scene.since else None


def _declared(scene: Scene) -> float | None:
    """When another host called the lost one dead."""
    if scene.silence is None or scene.silence.unseen is None or scene.since is None:
        return None
    at = scene.silence.unseen - scene.since
    started = _tried(scene)
    return at if started is None else min(at, started)


def _death(scene: Scene, certain: bool) -> Phase:
    """The host's record stands still for 60 s. certain: what follows shows that it is over."""
    host, at = scene.subject.host, _declared(scene)
    if at is not None:
        return Phase(f"declared dead after {int(at)} s", State.DONE, 0.0, at, DECLARED[0], "", True)
    latest = scene.gap + DECLARED[1]
    if certain or scene.subject.live is False:
        return Phase("declared dead", State.DONE, 0.0, min(latest, scene.elapsed), DECLARED[0])
    words = f"by {_minutes(latest)}"
    return Phase(f"HA declares {host} dead", State.RUNNING, 0.0, latest, DECLARED[0], words)


def _host_lost(scene: Scene) -> tuple[Phase, ...]:
    """6 (d)."""
    serving = scene.serving
    dead = _death(scene, certain=serving is not None or scene.starter is not None)
    begin = dead.end or 0.0
    if serving is not None:
        back = _back(scene)
        words = f"EngineUp at {_minutes(back)}"
        return (dead, Phase(f"EngineStart to EngineUp on {serving.host}", State.DONE, begin, back, None, words, True))
    free = lease_free(scene)
    starter = scene.starter
    if not waits_for_lease(scene):
        end = min(free, scene.elapsed)
        waited = Phase("waited for the VM lease", State.DONE, begin, max(begin, end), LEASE[0], "")
        return (dead, waited, _boot(scene, max(begin, end), State.RUNNING))
    running = State.EXPECTED if dead.state is State.RUNNING else State.RUNNING
    state = f"{starter.state}, " if starter is not None and starter.state in STARTING_STATES else ""
    lease = Phase(f"{state}waits for the VM lease", running, begin, free, LEASE[0], f"lease free by {_minutes(free)}")
    return (dead, lease, _boot(scene, free, State.EXPECTED))


def _boot(scene: Scene, begin: float, state: State) -> Phase:
    """The last stretch: no number of its own, only HA's limit for the whole start."""
    until = _started(scene) + STARTING
    return Phase(BOOT, state, begin, None, None, f"HA's limit {_minutes(until)}")


def _standby_lost(scene: Scene) -> tuple[Phase, ...]:
    return (_death(scene, certain=False),)


def _vm_ended(scene: Scene) -> tuple[Phase, ...]:
    """6 (b): the other host reads it and acts."""
    tried = _tried(scene)
    if scene.starter is None:
        words = f"by {_minutes(TAKEOVER)}"
        first = Phase("HA sees the VM gone and starts it", State.RUNNING, 0.0, TAKEOVER, 2.0, words)
        return (first, _boot(scene, TAKEOVER, State.EXPECTED))
    end = tried if tried is not None else min(TAKEOVER, scene.elapsed)
    first = Phase(f"{scene.starter.host} starts it", State.DONE, 0.0, end, 2.0, "", tried is not None)
    return (first, _boot(scene, end, State.RUNNING))


def _countdown(scene: Scene) -> tuple[float, float]:
    """From when to when EngineUpBadHealth waits: by the agent's own timeout, else as facts bound it."""
    since = scene.since or 0.0
    record = scene.subject.record
    said = scene.moments.bad_since.get(scene.subject.host)
    begin = said - since if said is not None and said >= since else min(SEEN, scene.elapsed)
    if scene.subject.state == "EngineUpBadHealth" and record is not None and record.timeout_left is not None:
        return begin, scene.elapsed + max(record.timeout_left, 0)
    return begin, begin + BAD_HEALTH + TICK


def _bad_health(scene: Scene) -> tuple[Phase, ...]:
    """6 (e): seen, waited for, stopped, started."""
    begin, ends = _countdown(scene)
    seen = (Phase("HA saw it", State.DONE, 0.0, begin),) if begin >= 1.0 else ()
    if scene.subject.state == "EngineUpBadHealth":
        count = Phase("EngineUpBadHealth", State.RUNNING, begin, ends, None, f"HA stops the VM at {_minutes(ends)}")
        stop = Phase("EngineStop", State.EXPECTED, ends, ends + STOPPED, None, f"VM down by {_minutes(ends + STOPPED)}")
        return (*seen, count, stop, _boot(scene, ends + STOPPED + RESTART, State.EXPECTED))
    ends = min(ends, scene.elapsed)
    count = Phase("EngineUpBadHealth", State.DONE, begin, ends)
    if scene.subject.state in STOPPING_STATES:
        stop = Phase("EngineStop", State.RUNNING, ends, ends + STOPPED, None, f"VM down by {_minutes(ends + STOPPED)}")
        return (*seen, count, stop, _boot(scene, ends + STOPPED + RESTART, State.EXPECTED))
    tried = _tried(scene)
    over = tried if tried is not None else scene.elapsed
    stop = Phase("VM stopped", State.DONE, ends, max(ends, over), None, "", tried is not None)
    return (*seen, count, stop, _boot(scene, max(ends, over), State.RUNNING))


def _free(scene: Scene) -> float:
    """When the first host's score 0 ends: by its own timeout, else as facts bound it."""
    rows = [row.record for row in scene.verdict.hosts if row.record is not None and row.record.live]
    left = [max(one.timeout_left, 0) for one in rows if one.score == 0 and one.timeout_left is not None]
    return scene.elapsed + min(left) if left else PENALTY


def _no_score(scene: Scene) -> tuple[Phase, ...]:
    """6 (b), the measured disaster: nobody starts the engine VM until the first penalty ends."""
    free = _free(scene)
    first = Phase(
        "every score is 0", State.RUNNING, 0.0, max(free, scene.elapsed), None, f"first score at {_minutes(free)}"
    )
    then = Phase("EngineDown to EngineStart", State.EXPECTED, free, free + RESTART, None, "")
    return (first, then, _boot(scene, free + RESTART, State.EXPECTED))


def _unseen(scene: Scene) -> tuple[Phase, ...]:
    """6 (e), its first step: what follows depends on what HA finds."""
    return (Phase("HA looks at the engine", State.RUNNING, 0.0, SEEN, 1.0, f"by {_minutes(SEEN)}"),)


def _back(scene: Scene) -> float:
    """When the engine's page was good again; now when that moment is not known."""
    back, since = scene.moments.back, scene.since or 0.0
    return back - since if back is not None and back >= since else scene.elapsed


def _minutes(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
