"""What the guard rails are decided on. None and "" mean that it is not known."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.probes.she_status import IDLE_STATE


@dataclass(frozen=True)
class HostFacts:
    """One hosted-engine host. reachable: it answers over SSH. live, score, state, published: its record of now as the
    pair tells it. flag_local, flag_manual: ha.conf. claims, serves: a record of now says that the engine VM exists
    here, and answers. agent: systemd's word. agent_age: seconds since the agent's start. status: the engine's word."""

    name: str
    reachable: bool
    live: bool | None
    score: int | None
    state: str
    published: bool | None
    flag_local: bool | None
    flag_manual: bool | None
    claims: bool
    serves: bool
    agent: str
    agent_age: float | None
    status: str

    @property
    def local(self) -> bool:
        """In local maintenance by any sign, or held in maintenance by the engine."""
        held = self.status in ("maintenance", "preparing_for_maintenance")
        return bool(self.published or self.flag_local or self.flag_manual) or held

    @property
    def takes_over(self) -> bool:
        """Live with a score above 0, its agent at work, in no maintenance."""
        at_work = self.agent == "active" and self.state != IDLE_STATE
        return self.live is True and bool(self.score) and at_work and not self.local


@dataclass(frozen=True)
class Facts:
    """Of one pair. global_on: True when any host reads the flag as set; None: none says. restarted: seconds since the
    engine VM was last restarted outside of a plain move; None: not within the last day. runs: "Run 7 (Engine backup)"
    for each active one on the pair, its hosts or its engine. window: a sentence about an open window, "" when none.
    room: why the other hosts cannot carry what the act moves, "" when they can or it moves nothing."""

    hosts: tuple[HostFacts, ...]
    global_on: bool | None
    restarted: float | None = None
    runs: tuple[str, ...] = ()
    window: str = ""
    room: str = ""

    def host(self, name: str) -> HostFacts | None:
        """A host by its name."""
        return next((one for one in self.hosts if one.name == name), None)

    def writer(self) -> HostFacts | None:
        """Who may write the global flag: the one that does not run the engine VM first, since it loses nothing."""
        able = [
            one
            for one in self.hosts
            if one.reachable and one.live and one.agent == "active" and not one.flag_local and not one.flag_manual
        ]
        return min(able, key=lambda one: one.claims, default=None)

    def unknown(self) -> list[str]:
        """One sentence per fact that is not known."""
        said = ["Nobody says whether global maintenance is on."] if self.global_on is None else []
        for one in self.hosts:
            if not one.reachable:
                said.append(f"{one.name} does not answer.")
            if one.live is None or one.published is None or (one.live and (one.score is None or not one.state)):
                said.append(f"The record of {one.name} is not known.")
            if one.flag_local is None or one.flag_manual is None:
                said.append(f"The flags in ha.conf of {one.name} are not known.")
            if not one.agent:
                said.append(f"Whether the agent of {one.name} runs is not known.")
        return said

    def evidence(self) -> tuple[str, ...]:
        """What was seen, for whoever asks why."""
        told = {True: "on", False: "off", None: "not known"}[self.global_on]
        return (f"Global maintenance: {told}.", *(_line(one) for one in self.hosts))


def _line(one: HostFacts) -> str:
    live = {True: "live", False: "not live", None: "not known to be live"}[one.live]
    flags = " ".join(
        f"{name}={'not known' if value is None else value}"
        for name, value in (("local_maintenance", one.flag_local), ("local_maintenance_manual", one.flag_manual))
    )
    score = "not known" if one.score is None else one.score
    engine = ", serves the engine" if one.serves else ", has the engine VM" if one.claims else ""
    state, agent, status = (word or "not known" for word in (one.state, one.agent, one.status))
    return (
        f"{one.name}: {live}, state {state}, score {score}, {flags}, agent {agent}, engine's status {status}{engine}."
    )
