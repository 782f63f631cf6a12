"""Scenes for the incident's tests: records as both hosts' brokers would show them, judged by the real verdict; and a
watch over the lab's estate that remembers when it saw what, as the portal's transitions do."""

from __future__ import annotations

from typing import Any

from inventory.probes.engine_health import Answer as Page
from inventory.probes.engine_health import EngineHealth
from inventory.probes.reading.vm_status import HeHostStatus, HeSnapshot
from inventory.verdicts.incident import Moments, Scene, Silence, scene_of
from inventory.verdicts.incident_acts import Incident, incident
from inventory.verdicts.she import SheVerdict, judge
from inventory.verdicts.she_inputs import EngineHost, EngineWitness, Observation
from lab import life_hosts
from tests.fixtures_lab import pass_time
from tests.verdicts.test_she_drills import HOSTS, verdict

T0 = 1_000_000.0


def say(at: float) -> str:
    """Seconds since T0, so that tests read what facts say."""
    return f"T+{at - T0:.0f}"


def record(host: int, state: str, vm: str = "down", **more: Any) -> HeHostStatus:
    base = {
        "host_id": host,
        "hostname": f"kvm0{host}.bank.example",
        "host_ts": 1000,
        "score": 3400,
        "vm": vm,
        "health": "good" if state == "EngineUp" else "bad",
        "detail": {"EngineUp": "Up", "EngineUpBadHealth": "Up", "EngineStarting": "WaitForLaunch"}.get(
            state, "unknown"
        ),
        "reason": "",
        "maintenance": False,
        "stopped": False,
        "live": True,
        "state": state,
        "timeout_left": None,
    }
    return HeHostStatus(**{**base, **more})


UP1, DOWN2 = record(1, "EngineUp", "up"), record(2, "EngineDown")
STALE1 = record(1, "EngineUp", "up", live=False)
STARTING2 = record(2, "EngineStarting", "up")


def told(
    *records: HeHostStatus, silent: tuple[int, ...] = (), page: str = "unreachable", held: bool = False, at: float = T0
) -> SheVerdict:
    """Everybody who is not silent tells the same records."""
    ids = [one.host_id for one in records]
    answer = HeSnapshot("ok", held, records)
    seen = [
        Observation(f"kvm0{host}", host, None if host in silent else 1.0, None if host in silent else answer, "Gone.")
        for host in ids
    ]
    kind = Page(page, "", 0.1)
    witness = EngineWitness(1.0, EngineHealth(kind, kind, kind, "", "", (), (), None, 0.0, None))
    return judge(seen, [], witness, [EngineHost(f"kvm0{host}", host, "up") for host in ids], at)


def gone(host: int = 1, vms: tuple[str, ...] = ("oradb01",), unseen: float | None = None) -> Silence:
    """Last answered at T0, first missed 3 s later."""
    return Silence(f"kvm0{host}", T0, T0 + 3, None if unseen is None else T0 + unseen, "no route to host", vms)


def shown(found: SheVerdict, moments: Moments) -> Incident:
    scene = scene_of(found, moments)
    assert scene is not None
    return incident(scene, say)


class Watch:
    """Looks at a lab estate every few seconds and remembers moments."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.shift = T0 - world.at
        self.answered = {name: T0 for name in HOSTS}
        self.missed: dict[str, float] = {}
        self.unseen: dict[str, float] = {}
        self.bad: dict[str, float] = {}
        self.tried: dict[str, float] = {}
        self.page = True
        self.lost: float | None = None
        self.back: float | None = None
        self.stopped: float | None = None

    def look(self) -> tuple[SheVerdict, Scene | None]:
        from dataclasses import replace

        now = self.world.at + self.shift
        found = replace(verdict(self.world), at=now)
        self._hosts(found, now)
        page = self._page()
        if page != self.page:
            self.lost, self.back = (self.lost, now) if page else (now, self.back)
        self.page = page
        silences = tuple(
            Silence(name, self.answered[name], missed, self.unseen.get(name)) for name, missed in self.missed.items()
        )
        moments = Moments(silences, page, self.lost, self.back, dict(self.bad), dict(self.tried), self.stopped)
        return found, scene_of(found, moments)

    def _page(self) -> bool:
        from lab import life_vm

        return life_vm.phase(self.world) == "up"

    def _hosts(self, found: SheVerdict, now: float) -> None:
        rows = {row.host: row for row in found.hosts}
        for name in HOSTS:
            host = self.world.hosts[name]
            if life_hosts.reachable(self.world, host):
                self.answered[name] = now
                self.missed.pop(name, None)
                self.unseen.pop(name, None)
                if any("attempting to start engine VM" in line for line in host.log[-60:]):
                    self.tried.setdefault(name, now)
            else:
                self.missed.setdefault(name, now)
                if rows[name].live is False:
                    self.unseen.setdefault(name, now)
            row = rows[name]
            if row.serves:
                self.bad.pop(name, None)
            elif row.asked and row.claims:
                self.bad.setdefault(name, now)
            if row.record is not None and row.record.stopped and self.stopped is None:
                self.stopped = now

    def course(self, seconds: int, step: int = 3) -> list[tuple[float, Scene | None]]:
        """(seconds since the watch began, scene) at every step."""
        found = []
        for _ in range(seconds // step):
            pass_time(self.world, step)
            found.append((self.world.at + self.shift - T0, self.look()[1]))
        return found
