"""A fast lab with the portal's rows of its pair, for drills: one lab per module, healthy before each test."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from backups.models import Backup, Copy, Destination, Policy
from failover.models import Drill
from failover.services import drills, pairs
from failover.verdicts import ready_hosts
from inventory.models import DeclaredPath, Engine, Host, Site, Vm
from inventory.probes import multipath
from portal.connectors.engine import close_shared
from portal.kernel.plan import Plan
from portal.kernel.secret import Secret
from portal.runs import drive, ports, registry, runner, services
from portal.runs.models import Run
from tests.fixtures_lab import RunningLab, make_key

SPEED = 50.0
HE_HOSTS = ("kvm01", "kvm02")


@dataclass
class Pair:
    """lab: the running lab. engine, hosts: the portal's rows, hosts in the order of their ids."""

    lab: RunningLab
    engine: Engine
    hosts: list[Host]
    ledger: int

    @property
    def truth(self) -> dict[str, Any]:
        return self.lab.http("GET", "/truth")

    @property
    def on(self) -> Host:
        """Where the engine VM really runs."""
        return next(host for host in self.hosts if host.name == self.truth["engine_vm_host"])

    @property
    def other(self) -> Host:
        return next(host for host in self.hosts if host.pk != self.on.pk)

    def acts(self, *words: str) -> int:
        """How often a command with these words really ran on any machine since the test began."""
        rows = self.lab.http("GET", f"/ledger?since={self.ledger}")
        return sum(1 for row in rows if row["kind"] == "command" and list(words) == row["argv"][: len(words)])

    def request(self, plan: str, parameters: dict[str, Any] | None = None, **given: Any) -> Drill:
        return drills.request(self.engine, plan, parameters or {}, **{"by": "anna", **given})

    def begin(self, plan: str, parameters: dict[str, Any] | None = None, **given: Any) -> Drill:
        """Asked for, and agreed to by another person."""
        drill = self.request(plan, parameters, **given)
        if drill.run.status == Run.Status.AWAITING_APPROVAL:
            services.approve(drill.run.pk, "bert")
        drill.run.refresh_from_db()
        return drill

    def ready(self) -> bool:
        """Whether the hosts say so, too: they see each other live 60 s after their agents started."""
        checks = ready_hosts.observers, ready_hosts.agents, ready_hosts.one_engine, ready_hosts.scores
        view = pairs.look(self.engine, pairs.members_of(self.engine))
        return all(check(view).word == "go" for check in checks)

    def healthy(self, seconds: float = 40) -> None:
        """Waits until the lab's pair is as before any drill."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            now = self.truth
            hosts = [now["hosts"][name] for name in HE_HOSTS]
            fine = all(one["score"] and one["state"] in ("EngineUp", "EngineDown") and one["powered"] for one in hosts)
            if fine and now["engine_phase"] == "up" and self.ready():
                return
            time.sleep(0.05)
        raise AssertionError(f"the lab does not become healthy: {self.truth['hosts']}")


def finish(run: Run, seconds: float = 60, meanwhile: Callable[[Run], object] = lambda run: None) -> Run:
    """Drives a Run to its end, whoever had it before; `meanwhile` is called between two rounds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        Run.objects.filter(pk=run.pk, status="running").update(lease_expires=Now() - timedelta(seconds=1))
        Run.objects.filter(pk=run.pk, status="waiting").update(due_at=Now())
        runner.execute(run.pk)
        run.refresh_from_db()
        if run.status not in Run.ACTIVE:
            return run
        meanwhile(run)
        time.sleep(0.05)
    raise AssertionError(f"{run.status}: {[(row.name, row.state, row.sentence) for row in run.steps.all()]}")


def told(run: Run) -> str:
    """Why a Run is where it is, for a failing test."""
    return f"{run.sentence} {[(row.name, row.state, row.sentence) for row in run.steps.order_by('position')]}"


def quickened(plan: Plan) -> Plan:
    """The plan as the lab's clock has it: it looks often, and a patience ends as much sooner. Nobody decides on a step
    that failed: its time is over at once."""
    return replace(
        plan,
        decide=dict.fromkeys(plan.decide, 0.2),
        steps=tuple(
            replace(step, every=min(step.every, 0.15), patience=max(step.patience / 12, 6.0)) for step in plan.steps
        ),
    )


@pytest.fixture(scope="module")
def drill_lab(tmp_path_factory):
    running = RunningLab(tmp_path_factory.mktemp("drills"), SPEED, "--luns", "4", "--vms", "6")
    yield running
    running.stop()


@pytest.fixture
def pair(drill_lab, settings, tmp_path, monkeypatch):
    settings.HOLDFAST_VAULT = tmp_path / "vault"
    settings.HOLDFAST_LEASE = 3
    settings.HOLDFAST_COOL_DOWN = 0
    settings.HOLDFAST_GATES = []  # who may begin a drill, and when, is tested with the approvals
    settings.HOLDFAST_CONSENTS = []
    ports._shell.cache_clear()
    quick = {name: quickened(plan) if "she" in plan.targets else plan for name, plan in registry.plans().items()}
    monkeypatch.setattr(registry, "plans", lambda: quick)
    monkeypatch.setattr(drive, "SLICE", 0.4)
    monkeypatch.setattr(drills, "plans", lambda: quick)
    made = rows(drill_lab)
    made.healthy()
    yield made
    drill_lab.http("DELETE", "/faults")
    close_shared()
    ports._shell.cache_clear()


def rows(lab: RunningLab) -> Pair:
    """The portal's rows of the lab's estate, as a sync and a person would have made them."""
    known, vm, path = lab.estate["engine"], lab.estate["engine_vm"], make_key(lab.folder)
    engine = Engine.objects.create(
        site=Site.objects.create(name="PROD"),
        name="olvm-engine",
        url=known["url"],
        username=known["username"],
        password=Secret(known["password"]),
        ca_pem=known["ca_pem"],
        ssh_private_key=Secret(path.read_text()),
        ssh_public_key=path.with_suffix(".pub").read_text(),
        vm_address=vm["address"],
        vm_port=vm["ssh_port"],
        vm_host_key=vm["host_key"],
    )
    uuids = _uuids(engine)
    hosts = [
        Host.objects.create(
            engine=engine,
            uuid=uuids[one["name"]],
            name=one["name"],
            address=one["address"],
            ssh_port=one["ssh_port"],
            pinned_key=one["host_key"],
            he_host_id=HE_HOSTS.index(one["name"]) + 1 if one["name"] in HE_HOSTS else None,
        )
        for one in lab.estate["hosts"]
    ]
    made = Pair(lab, engine, [host for host in hosts if host.he_host_id], _last(lab))
    for host in made.hosts:
        _declare(host)
    _proven(engine)
    return made


def _uuids(engine: Engine) -> dict[str, str]:
    from inventory.services.reach import credentials
    from portal.connectors.engine import Cursor, shared

    end = time.monotonic() + 30  # an engine that was broken by the test before is on its way back
    while (quick := shared(credentials(engine)).quick(Cursor())).vms.rows is None or quick.hosts.rows is None:
        assert time.monotonic() < end, quick.vms.failed or quick.hosts.failed
        time.sleep(0.3)
    vm = next(one for one in quick.vms.rows if one.is_engine)
    Vm.objects.create(engine=engine, uuid=vm.uuid, name=vm.name, is_engine=True)
    return {one.name: one.uuid for one in quick.hosts.rows}


def _last(lab: RunningLab) -> int:
    found = lab.http("GET", "/ledger")
    return found[-1]["n"] if found else 0


def _declare(host: Host) -> None:
    facts = multipath.parse(ports.shell_for(f"host:{host.pk}").look(f"host:{host.pk}", multipath.COMMANDS))
    DeclaredPath.objects.bulk_create(
        DeclaredPath(
            host=host, wwid=one.wwid, hba_wwpn=path.hba_wwpn, target_wwpn=path.target_wwpn, declared_at=timezone.now()
        )
        for one in facts.maps
        for path in one.paths
    )


def _proven(engine: Engine) -> None:
    """A backup of an hour ago that a rehearsal has proven and a destination holds."""
    policy = Policy.objects.create(engine=engine, name="daily", decided_to=timezone.now())
    place = Destination.objects.create(name="DR", site=engine.site, kind=Destination.Kind.DIRECTORY, path="/none")
    backup = Backup.objects.create(
        engine=engine,
        policy=policy,
        ident="20260101T000000",
        taken=timezone.now() - timedelta(hours=1),
        status="DONE",
        proof="proven",
        whole=True,
    )
    Copy.objects.create(backup=backup, destination=place, state=Copy.State.HELD)
