"""What a person does now, in order, and the page's headline and sentence. Acts follow from facts/hosted-engine.md;
commands are words and argv to copy, none of them with --force, and the portal runs none of them here."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inventory.verdicts.incident import Course, Scene
from inventory.verdicts.incident_phases import (
    PENALTY,
    SEEN,
    TAKEOVER,
    Phase,
    lease_free,
    limit,
    phases,
    waits_for_lease,
)
from inventory.verdicts.she_rows import HostRow

VM_STATUS = ("hosted-engine", "--vm-status")
VM_START = ("hosted-engine", "--vm-start")
ALL_MODES_OFF = ("hosted-engine", "--set-maintenance", "--mode=none")
START_AGENT = ("systemctl", "start", "ovirt-ha-agent")
AGENT_LOG = ("tail", "-n", "60", "/var/log/ovirt-hosted-engine-ha/agent.log")
SHOWN_VMS = 4

Say = Callable[[float], str]


@dataclass(frozen=True)
class Act:
    """One numbered act. host: where argv is run, "" when there is none."""

    lead: str
    text: str
    host: str = ""
    argv: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The argv as a person types it."""
        return shlex.join(self.argv)


@dataclass(frozen=True)
class Incident:
    """The page. since: Unix seconds of the portal's clock, None when not known; since_words: of what."""

    scene: Scene
    headline: str
    sentence: str
    since: float | None
    since_words: str
    phases: tuple[Phase, ...]
    acts: tuple[Act, ...]


def incident(scene: Scene, say: Say) -> Incident:
    """say: Unix seconds in, the time of day with its zone out (03:09:52 EAT)."""
    headline, sentence = _words(scene, say)
    of = f"the last answer of {scene.silence.host}" if scene.silence else _SINCE[scene.course]
    return Incident(
        scene, headline, sentence, scene.since, f"since {of}", phases(scene), _ACTS[scene.course](scene, say)
    )


_SINCE = {
    Course.VM_ENDED: "the engine ceased to answer",
    Course.BAD_HEALTH: "the engine ceased to answer",
    Course.NO_SCORE: "the engine ceased to answer",
    Course.UNSEEN: "the engine ceased to answer",
    Course.HELD: "the engine ceased to answer",
    Course.STOPPING: "HA began to stop the engine VM",
    Course.AGENT_STOPPED: "the HA agent was seen stopped",
    Course.SPLIT: "two hosts claimed the engine",
}


def _words(scene: Scene, say: Say) -> tuple[str, str]:
    """Headline of at most twelve words, and the sentence under it."""
    verdict, host = scene.verdict, scene.subject.host
    if scene.silence is None:
        if scene.course is Course.AGENT_STOPPED:
            return f"The HA agent of {host} is stopped, the engine runs", (
                f"This is no failover: the engine VM runs on {host} and answers, but no agent guards it. Start "
                "attempts of other hosts are refused by the VM's lease."
            )
        return verdict.headline, verdict.sentence
    began = f"{host} stopped answering at {say(scene.silence.answered)}."
    if scene.course is Course.OUT_OF_REACH:
        return f"{host} and the engine are out of the portal's reach", (
            f"{began} {scene.subject.live_by} of {scene.subject.observers} observers still see its record change, so "
            "HA starts nothing: look at its network, and at the portal's."
        )
    stopped = _stopped(scene)
    if scene.serving is not None:
        on = scene.serving.host
        return f"{host} lost, the engine runs on {on}", f"{began} The engine answers on {on}{stopped}."
    if scene.course is Course.STANDBY_LOST:
        return f"{host} lost, {verdict.headline[0].lower()}{verdict.headline[1:]}", f"{began} {verdict.sentence}"
    if scene.starter is not None:
        on = scene.starter.host
        return f"{host} lost, engine failing over to {on}", f"{began} {on} is starting the engine VM{stopped}."
    if scene.subject.live is False:
        return f"{host} lost, the engine is down", f"{began} {verdict.sentence}"
    return f"{host} does not answer, nor does the engine", (
        f"{began} The engine's page does not answer either; HA declares {host} dead when its record stood still "
        f"for 60 s{stopped}."
    )


def _stopped(scene: Scene) -> str:
    """What is not known of the lost host's other VMs, as the end of a sentence."""
    names = scene.silence.vms if scene.silence else ()
    if not names:
        return ""
    return f"; whether {named(names)} {'is' if len(names) == 1 else 'are'} stopped is not known"


def named(names: Sequence[str]) -> str:
    """Some names, and how many more."""
    shown, more = list(names[:SHOWN_VMS]), len(names) - SHOWN_VMS
    parts = [*shown, f"{more} more"] if more > 0 else shown
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _call(scene: Scene) -> Act:
    """A host of which nobody knows whether it is off: its VMs hold no proof of being stopped (6 d)."""
    names = scene.silence.vms if scene.silence else ()
    what = named(names) if names else "a VM that ran on it"
    words = f"Until it is known to be off, {what} must not be started elsewhere."
    return Act(f"Call the data centre about {scene.subject.host}.", words)


def _rescue(scene: Scene, say: Say) -> list[Act]:
    """What to run, and where, when HA's own limit has passed (6, Abort; refused with "VM exists" where it is there)."""
    best, until = scene.best, limit(scene)
    if best is None or until is None or scene.since is None:
        return []
    lead = f"No EngineUp by {say(scene.since + until)}:"
    if scene.elapsed > until:
        lead = f"No EngineUp since {say(scene.since + until)}:"
    return [Act(lead, f"start the engine VM on {best.host}, which must see its storage.", best.host, VM_START)]


def _look(row: HostRow | None) -> list[Act]:
    if row is None:
        return []
    return [Act(f"Compare on {row.host}.", "Read what HA itself says there.", row.host, VM_STATUS)]


def _host_lost(scene: Scene, say: Say) -> tuple[Act, ...]:
    if scene.serving is not None:
        return _standby_lost(scene, say)
    free = (scene.since or 0.0) + lease_free(scene)
    until = limit(scene)
    if waits_for_lease(scene):
        words = "The lease of the engine VM is free by then. Starting it by hand earlier is refused."
        first = [Act(f"Wait until {say(free)}.", words)]
    elif until is not None and scene.elapsed <= until:
        first = [Act("Wait for the guest and the engine.", "The lease is free; HA tries again when its limit passes.")]
    else:
        first = []
    return (*first, _call(scene), *(_rescue(scene, say) or _look(scene.best)))


def _standby_lost(scene: Scene, say: Say) -> tuple[Act, ...]:
    host, on = scene.subject.host, scene.serving
    takers = [row for row in scene.verdict.hosts if row.candidate and row is not on]
    acts = [_call(scene)]
    if on is not None and not takers:
        words = f"No other host can start the engine VM. Do not restart {on.host} or its HA agent."
        acts.append(Act("Keep the engine where it is.", words))
    back = on or scene.best
    if back is not None:
        words = f"its record must be live on {back.host}, 60 to 70 s after its agent starts."
        acts.append(Act(f"When {host} is back:", words, back.host, VM_STATUS))
    return tuple(acts)


def _out_of_reach(scene: Scene, say: Say) -> tuple[Act, ...]:
    host = scene.subject.host
    words = f"Other hosts see {host} alive on the storage: its network or the portal's is the likely cause."
    keep = f"Its VMs run as long as its record changes; {_call(scene).text[0].lower()}{_call(scene).text[1:]}"
    return (Act(f"Look at the network of {host}.", words), Act("Start nothing.", keep), *_look(scene.best))


def _vm_ended(scene: Scene, say: Say) -> tuple[Act, ...]:
    since = scene.since or scene.verdict.at
    wait = Act("Wait for the guest and the engine.", "HA tries again when its limit for the start passes.")
    if scene.starter is None:
        words = f"HA starts the engine VM on the host with the best score within {TAKEOVER:.0f} s of its end."
        wait = Act(f"Wait until {say(since + TAKEOVER)}.", words)
    cool = (
        f"The host that lost the VM has score 0 until {say(since + PENALTY)}: a second loss leaves no host to start it."
    )
    return (wait, Act("Stop or restart nothing else.", cool), *_rescue(scene, say))


def _bad_health(scene: Scene, say: Say) -> tuple[Act, ...]:
    since = scene.since or scene.verdict.at
    count = next((one for one in phases(scene) if one.title == "EngineUpBadHealth"), None)
    acts = []
    if count is not None and count.state == "running" and count.end is not None:
        lead = f"Look at the engine service before {say(since + count.end)}."
        words = "If it answers again before then, HA leaves the VM alone; after it, HA shuts the VM down and starts it."
        acts.append(Act(lead, words, "the engine VM", ("systemctl", "status", "ovirt-engine")))
        words = (
            "set global maintenance and end it afterwards: HA restarts nothing meanwhile. It ends local maintenance."
        )
        where = scene.subject.host
        acts.append(
            Act(
                "If someone works on the service:",
                words,
                where,
                ("hosted-engine", "--set-maintenance", "--mode=global"),
            )
        )
    else:
        words = "HA stops the engine VM and starts it again, often on the same host."
        acts.append(Act("Wait.", words))
    return (*acts, *_rescue(scene, say))


def _no_score(scene: Scene, say: Say) -> tuple[Act, ...]:
    since, best = scene.since or scene.verdict.at, scene.best
    free = phases(scene)[0].end if phases(scene) else None
    acts = []
    if free is not None:
        words = "The first score returns then, and HA starts the engine VM within 40 s."
        acts.append(Act(f"Wait until {say(since + free)}.", words))
    if best is not None:
        lead, words = f"Or start it now on {best.host}.", "It must see the engine VM's storage."
        acts.append(Act(lead, words, best.host, VM_START))
    acts.append(Act("Run no drill and no restart.", "Every hosted-engine host must have a score above 0 first."))
    return tuple(acts)


def _unseen(scene: Scene, say: Say) -> tuple[Act, ...]:
    since, host = scene.since or scene.verdict.at, scene.subject.host
    words = f"HA looks at the engine by then. It still says that it runs well on {host}."
    reach = "If HA goes on saying so, look at the way from the portal to the engine, and at the VM's console."
    return (
        Act(f"Wait until {say(since + SEEN)}.", words),
        Act("Compare.", reach, host, ("hosted-engine", "--check-liveliness")),
    )


def _stopping(scene: Scene, say: Say) -> tuple[Act, ...]:
    host = scene.subject.host
    return (
        Act("Read why.", "A score 800 below the best makes HA stop the VM; a lost gateway does that.", host, AGENT_LOG),
        Act("Wait.", "A host with the best score starts it again when it is down, often the same."),
    )


def _agent_stopped(scene: Scene, say: Say) -> tuple[Act, ...]:
    host = scene.subject.host
    return (
        Act(f"Start the agent on {host}.", "The engine VM is guarded again in about 30 s.", host, START_AGENT),
        Act("Leave the other hosts alone.", "Each tries a start every 30 to 45 s; the VM's lease refuses it."),
        Act("Then wait 70 s.", f"Only from then on do other hosts show {host} as live."),
    )


def _split(scene: Scene, say: Say) -> tuple[Act, ...]:
    claiming = [row.host for row in scene.verdict.hosts if row.serves]
    looks = [Act(f"Look at {host}.", "Is the engine VM's process there?", host, VM_STATUS) for host in claiming[:2]]
    return (Act("Start and stop nothing yet.", "sanlock lets one engine VM run: find which it is."), *looks)


def _held(scene: Scene, say: Say) -> tuple[Act, ...]:
    best = scene.best or scene.subject
    return (
        Act("Ask who set global maintenance.", "While it is on, a dead engine VM stays dead."),
        Act(
            "End it when that work is over:",
            f"then HA starts the VM. It also ends local maintenance of {best.host}; check from another host",
            best.host,
            ALL_MODES_OFF,
        ),
        Act("Or start the VM by hand:", "maintenance stays on.", best.host, VM_START),
    )


_ACTS: dict[Course, Callable[[Scene, Say], tuple[Act, ...]]] = {
    Course.HOST_LOST: _host_lost,
    Course.STANDBY_LOST: _standby_lost,
    Course.OUT_OF_REACH: _out_of_reach,
    Course.VM_ENDED: _vm_ended,
    Course.BAD_HEALTH: _bad_health,
    Course.NO_SCORE: _no_score,
    Course.UNSEEN: _unseen,
    Course.STOPPING: _stopping,
    Course.AGENT_STOPPED: _agent_stopped,
    Course.SPLIT: _split,
    Course.HELD: _held,
}
