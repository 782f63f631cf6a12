"""A pair of hosts as it answers a step's looks, in the shapes of facts/hosted-engine.md 2.1; whoever is silent says
nothing. For pure tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from failover.catalog import sight
from failover.catalog.sight import Sight
from inventory.probes import engine_health, ha_state
from portal.kernel.facts import dump
from portal.kernel.output import Output, Reply

PARAMETERS = {"hosts": "7:kvm01:1,8:kvm02:2", "on": 7, "to": 8, "run": "r", "target": "she:5"}
UP, DOWN = ("up", "good", "Up"), ("down", "bad", "unknown")
GONE = ("down_unexpected", "bad", "unknown")
BOOTING = ("up", "bad", "Up")
ENGINE_UP = "EngineUp"


@dataclass(frozen=True)
class One:
    """One host: its record, its ha.conf, its units. silent: it does not answer."""

    engine: tuple[str, str, str] = DOWN
    state: str = "EngineDown"
    score: int = 3400
    live: bool = True
    stopped: bool = False
    maintenance: bool = False
    silent: bool = False
    flags: str = "local_maintenance=False\nlocal_maintenance_manual=False\n"
    agent: str = "active"
    units: str = "active"
    started: int = 1_000_000  # microseconds after boot
    uptime: str = "5000.00 1.0\n"
    boot: str = "boot-1\n"


ACTIVE = One(UP, ENGINE_UP)
STANDBY = One()


@dataclass(frozen=True)
class Scene:
    """first: kvm01, host id 1; second: kvm02. page: whether the engine's page is good; None: it was not reached.
    sees_other: what each observer sees of the other as live, by host id."""

    first: One = ACTIVE
    second: One = STANDBY
    flag: bool = False
    page: bool | None = True
    sees_other: dict[int, bool] = field(default_factory=dict)

    def seen(self) -> dict[str, Output]:
        """The answers to sight.looks."""
        answers = {"witness": _json(_witness(self.page))}
        for pk, observer in ((7, 1), (8, 2)):
            host = self.first if observer == 1 else self.second
            if host.silent:
                silent = Output(b"", b"kvm0%d does not answer." % observer, None)
                answers |= {name: silent for name in sight.looks(PARAMETERS) if name.endswith(f"@{pk}")}
                continue
            answers[f"status@{pk}"] = _json(self._status(observer))
            answers |= {f"state.{part}@{pk}": one for part, one in _state(host, observer).items()}
        return answers

    def sight(self) -> Sight:
        return sight.read(self.seen(), PARAMETERS)

    def _status(self, observer: int) -> dict:
        records = {str(number): self._record(number, observer) for number in (1, 2)}
        return {**records, "global_maintenance": self.flag}

    def _record(self, number: int, observer: int) -> dict:
        host = self.first if number == 1 else self.second
        vm, health, detail = host.engine
        live = host.live if number == observer else self.sees_other.get(observer, host.live)
        return {
            "host-id": number, "host-ts": 1000, "score": host.score,
            "engine-status": {"vm": vm, "health": health, "detail": detail},
            "hostname": f"kvm0{number}", "maintenance": host.maintenance, "stopped": host.stopped, "crc32": "ef1c086d",
            "conf_on_shared_storage": True, "local_conf_timestamp": 1000,
            "extra": f"metadata_parse_version=1\ntimestamp=1000 (Sun Nov 22 09:36:51 2026)\nstate={host.state}\n",
            "live-data": live,
        }  # fmt: skip


def _json(content: object) -> Output:
    return Output(json.dumps(content).encode(), b"", 0)


def _witness(page: bool | None) -> dict:
    if page is None:
        return {"health": None, "why": "The engine cannot be reached."}
    body = engine_health.HEALTHY if page else b""
    health = engine_health.parse({"health": Reply(status=200 if page else 503, body=body)})
    return {"health": dump(health), "why": ""}


def _state(host: One, number: int) -> dict[str, Output]:
    words = [host.agent if name == "ovirt-ha-agent" else host.units for name in ha_state.UNITS]
    texts = {
        "ha_conf": host.flags,
        "units": "\n".join(words) + "\n",
        "uptime": host.uptime,
        "boot_id": host.boot,
        "agent_start": f"ActiveEnterTimestampMonotonic={host.started}\n",
        "he_conf": f"host_id={number}\n",
        "agent_log": "",
    }
    return {part: Output(text.encode(), b"", 0) for part, text in texts.items()}


def scene(first: dict | None = None, second: dict | None = None, **whole: object) -> Scene:
    """The healthy pair with some things changed."""
    return Scene(replace(ACTIVE, **(first or {})), replace(STANDBY, **(second or {})), **whole)
