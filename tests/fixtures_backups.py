"""A world for the unattended side of backups: one engine, one policy, and Runs that tests end by hand."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from backups.models import Backup, Copy, Destination, Policy, Rehearsal
from backups.steps.retire import STEP
from backups.works import retiring
from inventory.models import Engine, Site
from portal.kernel.output import Output
from portal.kernel.secret import Secret
from portal.kernel.verdict import Word
from portal.runs import ports
from portal.runs.models import Run
from tests.fixtures_runs import CURRENT, LocalHost

HOUR = timedelta(hours=1)
NUMBER = count(1)


class NamedHost(LocalHost):
    """A target of any kind with a name; nothing is asked of it."""

    def name(self, target: str) -> str:
        return target.replace(":", " ")


@pytest.fixture
def world(db, tmp_path, settings):
    """Every kind of target is reachable; nothing runs by itself."""
    CURRENT.append(NamedHost(tmp_path))
    ports._shell.cache_clear()
    kinds = ("engine", "host", "backup", "destination", "catalog")
    settings.HOLDFAST_SHELLS = dict.fromkeys(kinds, "tests.fixtures_runs.current")
    settings.HOLDFAST_SECRETS = []
    settings.HOLDFAST_VAULT = tmp_path / "vault"
    settings.HOLDFAST_LEASE = 60  # who renews it does not see the rows of a test's transaction
    yield World()
    CURRENT.pop()
    ports._shell.cache_clear()


class World:
    """Named rows."""

    def __init__(self) -> None:
        self.site, _ = Site.objects.get_or_create(name="PROD")
        self.vault = self.place("vault", Destination.Kind.VAULT)
        self.engine = self.new_engine("olvm")

    def new_engine(self, name: str) -> Engine:
        return Engine.objects.create(
            site=self.site, name=name, url=f"https://{name}.bank.lab/ovirt-engine/api", username="admin@internal",
            password=Secret("x" * 8),
        )  # fmt: skip

    def place(self, name: str, kind: str = Destination.Kind.DIRECTORY, **fields) -> Destination:
        return Destination.objects.create(name=name, kind=kind, site=self.site, **fields)

    def policy(self, **fields) -> Policy:
        values = {
            "engine": self.engine, "name": f"policy{next(NUMBER)}", "cron": "0 */6 * * *", "catch_up": 3 * 3600,
            "decided_to": timezone.now(), "minimum_redundancy": 1, "delete_obsolete": False, "rehearse_every": 0,
        }  # fmt: skip
        return Policy.objects.create(**(values | fields))

    def backup(self, policy: Policy, age: timedelta, held: tuple[Destination, ...] | None = None, **fields) -> Backup:
        """A DONE, whole and proven one, held in the vault and where else it is said."""
        taken = timezone.now() - age
        values = {
            "engine": policy.engine, "policy": policy, "ident": f"{taken:%Y%m%dT%H%M%S}", "reason": "scheduled",
            "status": "DONE", "taken": taken, "size": 400 * 1024**2, "sha256": f"{next(NUMBER):064x}", "whole": True,
            "proof": "proven", "proven_at": taken,
        }  # fmt: skip
        made = Backup.objects.create(**(values | fields))
        for place in (self.vault,) if held is None else held:
            self.copy(made, place)
        return made

    def copy(self, backup: Backup, place: Destination, state: str = Copy.State.HELD, **fields) -> Copy:
        name = f"{backup.ident}.backup.age"
        values = {"name": name, "size": 9, "checked_at": timezone.now()}
        return Copy.objects.create(backup=backup, destination=place, state=state, **(values | fields))

    def rehearsal(self, backup: Backup, at: datetime, outcome: str = "proven") -> Rehearsal:
        return Rehearsal.objects.create(backup=backup, at=at, seconds=1, outcome=outcome, sentence="It came back.")

    def occupy(self, engine: Engine | None = None) -> Run:
        """Another Run has the engine."""
        target = f"engine:{(engine or self.engine).pk}"
        return Run.objects.create(
            plan="other", plan_version=1, title="Engine restart", target=target, target_name=self.engine.name,
            digest="0", requested_by="anna", status=Run.Status.RUNNING,
        )  # fmt: skip


class AtHand:
    """A kernel Working without a worker."""

    def __init__(self, run: Run) -> None:
        self.parameters = {**run.parameters, "run": str(run.ref), "target": run.target}
        self.said: list[str] = []

    def say(self, text):
        self.said.append(text)

    def writing(self):
        return transaction.atomic()

    def check(self):
        pass


def end(run: Run, status: str = "failed", sentence: str = "", ago: timedelta = timedelta()) -> Run:
    """Ends a Run as a worker would, without one."""
    at = timezone.now() - ago
    Run.objects.filter(pk=run.pk).update(status=status, sentence=sentence, ended=at)
    run.refresh_from_db()
    return run


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "vault" / "backups"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def shelf(world, folder):
    """A policy that keeps two, with four backups whose copies are real files; the newest first."""
    policy = world.policy(retention="redundancy", count=2)
    rows = [world.backup(policy, n * HOUR) for n in (1, 2, 3, 4)]
    for row in rows:
        (folder / f"{row.ident}.backup.age").write_bytes(b"x" * 9)
    return policy, rows


def drive(run: Run) -> str:
    """Does what the runner does with the plan's one step, and gives its last sentence."""
    hand = AtHand(run)
    for _ in range(3):
        told = json.dumps(retiring.standing(hand.parameters)).encode()
        verdict = STEP.settled({"standing": Output(told, b"", 0)}, hand.parameters)
        if verdict.word is Word.DONE:
            end(run, "succeeded")
            return " ".join([*hand.said, verdict.sentence])
        retiring.work(hand)
    raise AssertionError(verdict.sentence)


def files(folder: Path) -> set[str]:
    return {path.name.partition(".")[0] for path in folder.iterdir() if not path.name.startswith(".")}
