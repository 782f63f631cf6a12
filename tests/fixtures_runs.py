"""A host for Runs without SSH: the scripts really run, in a folder of their own, with a ledger of what was executed."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.kernel.command import Command
from portal.kernel.output import LookFailed, Output
from portal.kernel.plan import Parameter, Plan
from portal.kernel.step import Step
from portal.kernel.verdict import done, failed, go, wait
from portal.runs import ports, registry, runner, services
from portal.runs.models import Run


class LocalHost:
    """A kernel Shell whose host is a folder. `before` and `after` are called around every round trip with the script
    (or "look", "fetch"), and may raise LookFailed as a cut line does."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.before: Callable[[str], None] = lambda what: None
        self.after: Callable[[str], None] = lambda what: None
        self.guard = threading.Lock()

    def name(self, target: str) -> str:
        if target == "host:404":
            raise LookFailed("There is no host with the key '404'.")
        return f"kvm{target.partition(':')[2]}"

    def look(self, target, commands):
        self.before("look")
        seen = {name: self._do(command) for name, command in commands.items()}
        self.after("look")
        return seen

    def run(self, target, command):
        what = command.argv[2] if command.argv[:2] == ("sh", "-c") else command.argv[0]
        self.before(what)
        output = self._do(command)
        self.after(what)
        return output

    def fetch(self, target, remote, local):
        self.before("fetch")
        shutil.copyfile(self.home / remote, local)
        self.after("fetch")

    def pull(self, target, remote, sink, limit, waiting):
        self.before("pull")
        sink((self.home / remote).read_bytes()[:limit])
        self.after("pull")

    def _do(self, command: Command) -> Output:
        ended = subprocess.run(
            command.argv, check=False, cwd=self.home, capture_output=True, timeout=30, stdin=subprocess.DEVNULL
        )
        return Output(ended.stdout, ended.stderr, ended.returncode)

    def ledger(self) -> list[str]:
        """What was executed, in order."""
        path = self.home / "ledger"
        return path.read_text().split() if path.exists() else []


def sh(text: str, *words: str, timeout: float = 20) -> Command:
    return Command(("sh", "-c", text, "sh", *words), timeout=timeout)


def mark(name: str, seconds: float = 0, undo: object = None, code: int = 0, **fields) -> Step:
    """A step that writes its name into the ledger and then makes a file, which is what it looks at."""

    def settled(seen, parameters):
        if seen["file"].exit_code == 0:
            return done(f"The file {name} is there.")
        act = seen.get("act")
        if act is not None and act.exit_code not in (None, 0):
            return failed(f"{name} ended with exit code {act.exit_code}: {act.error_line()}")
        return wait(f"The file {name} is not there.")

    act = f"echo {name} >>ledger; echo {name} says hello; sleep {seconds}; [ {code} = 0 ] || echo no >&2; "
    act += f"[ {code} = 0 ] || exit {code}; : >{name}"
    default = lambda parameters: (sh(f"echo undo-{name} >>ledger; rm -f {name}"),)  # noqa: E731
    values = {
        "name": name,
        "title": f"Make {name}",
        "mutating": True,
        "looks": lambda parameters: {"file": Command(("test", "-e", name))},
        "settled": settled,
        "ready": lambda seen, parameters: go("Ready."),
        "act": lambda parameters: (sh(act),),
        "undo": undo or default,
        "patience": 20,
        "every": 0.05,
    }
    return Step(**(values | fields))


def plan(*steps: Step, **fields) -> Plan:
    values = {"name": "trial", "title": "Trial", "version": 1, "steps": steps, "targets": ("host",)}
    return Plan(**(values | fields))


CURRENT: list[LocalHost] = []


def current() -> LocalHost:
    """What HOLDFAST_SHELLS names in these tests."""
    return CURRENT[-1]


@pytest.fixture
def host(tmp_path, settings):
    home = tmp_path / "home"
    home.mkdir()
    made = LocalHost(home)
    CURRENT.append(made)
    ports._shell.cache_clear()
    settings.HOLDFAST_SHELLS = {"host": "tests.fixtures_runs.current"}
    settings.HOLDFAST_SECRETS = []
    settings.HOLDFAST_VAULT = tmp_path / "vault"
    settings.HOLDFAST_LEASE = 3
    yield made
    CURRENT.pop()
    ports._shell.cache_clear()


@pytest.fixture
def plans(monkeypatch):
    """The plans that are installed: a dictionary to be filled."""
    known: dict[str, Plan] = {}
    monkeypatch.setattr(registry, "plans", lambda: known)
    return known


@pytest.fixture
def begin(host, plans):
    """Starts a trial plan of the given steps."""

    def _begin(*steps: Step, **fields) -> Run:
        plans["trial"] = plan(*steps, parameters=(Parameter("size", "Size", int, 1),))
        values = {"plan": "trial", "parameters": {}, "target": "host:1", "by": "anna"} | fields
        return services.start(**values)

    return _begin


def drive(run: Run, times: int = 1) -> Run:
    """Does what the worker does, as often as it is woken."""
    for _ in range(times):
        runner.execute(run.pk)
    run.refresh_from_db()
    return run


def states(run: Run) -> list[str]:
    return list(run.steps.order_by("position").values_list("state", flat=True))


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    """Until the condition holds; fails the test when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
