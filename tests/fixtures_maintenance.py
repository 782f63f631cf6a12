"""A lab with a hosted-engine pair, and the portal's rows of it, for maintenance windows."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from paramiko import SSHException

from failover.models import Window
from failover.services import standing, windows, windows_tick
from failover.verdicts.guard import Act, Allowed, Kind, decide
from inventory.models import Engine, Host, Site
from inventory.services.reach import credentials
from inventory.services.sync import sync
from portal.connectors.engine import activate_host, shared
from portal.kernel.secret import Secret
from portal.runs import ports
from portal.runs.models import Run
from tests.fixtures_backup_lab import finish
from tests.fixtures_lab import RunningLab, make_key, sh

A, B = "kvm01", "kvm02"


@dataclass
class PairStand:
    """lab: the running lab. engine, hosts: the portal's rows. ledger: entries of the lab's before the test."""

    lab: RunningLab
    engine: Engine
    hosts: dict[str, Host]
    ledger: int

    def fault(self, name: str, target: str = "", **words: str) -> None:
        self.lab.fault(name, target, **words)

    def truth(self) -> dict[str, Any]:
        return self.lab.http("GET", "/truth")

    def host(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.truth()["hosts"][name]
        return found

    def on(self, name: str, script: str) -> tuple[int, bytes, bytes]:
        """A shell on a host of the lab, as somebody who works by hand has it."""
        number = [each["name"] for each in self.lab.estate["hosts"]].index(name)
        with self.lab.connect(number) as client:
            return sh(client, script)

    def answers(self, name: str) -> bool:
        """A host whose power came back a moment ago does not yet."""
        with contextlib.suppress(SSHException, OSError):
            return self.on(name, "true")[0] == 0
        return False

    def modes(self) -> list[str]:
        """Every set-maintenance that the hosts executed since the test began: "kvm02 global"."""
        rows = self.lab.http("GET", f"/ledger?since={self.ledger}")
        sets = [row for row in rows if row["argv"][:2] == ["hosted-engine", "--set-maintenance"]]
        return [f"{row['host']} {row['argv'][2].removeprefix('--mode=')}" for row in sets]

    def enter(self, scope: str, host: str = "", minutes: float = 60, **given: Any) -> Run:
        """As a person asks for it."""
        deadline = given.pop("deadline", timezone.now() + timedelta(minutes=minutes))
        wish = windows.Wish(scope, self.hosts[host] if host else None, "kernel update", deadline)
        return windows.start(self.engine, wish, "anna", **given)

    def window(self) -> Window:
        """The newest one, in step with its Runs."""
        windows_tick.reconcile()
        return Window.objects.select_related("engine", "host").order_by("-pk")[0]

    def timers(self) -> list[str]:
        """The releases that are armed on any host."""
        told = self.truth()["hosts"]
        return [unit for name in (A, B) for unit in told[name]["units"] if unit.startswith("holdfast-release")]

    def wait(self, true: Callable[[], object], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, "it did not come to pass"
            time.sleep(0.05)

    def healthy(self) -> bool:
        told = self.truth()["hosts"]
        states = sorted(str(told[name]["state"]) for name in (A, B))
        return states == ["EngineDown", "EngineUp"] and all(
            told[name]["score"] == 3400 and told[name]["engine_status"] == "up" for name in (A, B)
        )

    def standby(self) -> str:
        """The host that does not run the engine VM."""
        return A if self.host(B)["state"] == "EngineUp" else B


@pytest.fixture(scope="module")
def pair_lab(tmp_path_factory):
    running = RunningLab(tmp_path_factory.mktemp("lab"), 50.0)
    yield running
    running.stop()


@pytest.fixture
def pair(pair_lab, settings, tmp_path):
    settings.HOLDFAST_VAULT = tmp_path / "vault"
    settings.HOLDFAST_LEASE = 3
    settings.HOLDFAST_HA_LAG = 1
    ports._shell.cache_clear()
    known = pair_lab.estate["engine"]
    path = make_key(pair_lab.folder)
    engine = Engine.objects.create(
        site=Site.objects.create(name="PROD"),
        name="olvm-engine",
        url=known["url"],
        username=known["username"],
        password=Secret(known["password"]),
        ca_pem=known["ca_pem"],
        ssh_private_key=Secret(path.read_text()),
        ssh_public_key=path.with_suffix(".pub").read_text(),
    )
    sync(engine, storage=False)
    for number, each in enumerate(pair_lab.estate["hosts"], 1):
        Host.objects.filter(engine=engine, name=each["name"]).update(
            he_host_id=number, address=each["address"], ssh_port=each["ssh_port"], pinned_key=each["host_key"]
        )
    hosts = {host.name: host for host in Host.objects.filter(engine=engine).order_by("name")}
    stand = PairStand(pair_lab, engine, hosts, 0)
    restore(stand)
    stand.ledger = pair_lab.http("GET", "/ledger")[-1]["n"]
    yield stand
    ports._shell.cache_clear()


def restore(stand: PairStand) -> None:
    """The lab as it was: no flag, every agent at work, no release, both hosts up in the engine."""
    stand.lab.http("DELETE", "/faults")
    stand.wait(lambda: all(stand.answers(name) for name in (A, B)))
    session = shared(credentials(stand.engine))
    for name in (A, B):
        for unit in stand.truth()["hosts"][name]["units"]:
            if unit.startswith("holdfast-release"):
                stand.on(name, f"systemctl stop {unit}")
        stand.on(name, "systemctl start ovirt-ha-broker ovirt-ha-agent")
        if stand.host(name)["engine_status"] == "maintenance":
            activate_host(session, stand.hosts[name].uuid, correlation_id="tests")
    for _ in range(20):
        told = stand.truth()
        for name in (A, B):
            one = told["hosts"][name]
            if one["local_maintenance"] or one["local_maintenance_manual"] or told["global_maintenance"]:
                stand.on(name, "hosted-engine --set-maintenance --mode=none")
        with contextlib.suppress(AssertionError):
            stand.wait(stand.healthy, 3)
            stand.wait(lambda: isinstance(decide(standing.live(stand.engine), Act(Kind.GLOBAL_ENTER)), Allowed), 10)
            return
    raise AssertionError(stand.truth()["hosts"])


__all__ = ["A", "B", "PairStand", "finish", "pair", "pair_lab"]
