"""The crash matrix: every step of every plan on a hosted-engine pair, disturbed in every way. A part of it runs always,
the whole with `./holdfast test matrix`, which prints it and writes docs/crash-matrix.md."""

from __future__ import annotations

import pytest

from failover.services import drills
from portal.connectors.engine import close_shared
from portal.runs import ports, registry
from tests.failover.matrix_run import Trial
from tests.failover.matrix_scenes import scenes
from tests.failover.matrix_table import KILLS, NEVER, TABLE, WAYS, Table
from tests.fixtures_drill_lab import quickened, rows
from tests.fixtures_lab import RunningLab

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire, pytest.mark.timeout(600)]

SPEED = 50.0
GROUPS = {
    "kills": KILLS,
    "ways": WAYS,
    "never": NEVER,
    "undo killed": tuple(f"undo {kind}" for kind in KILLS),
    "undo dropped": ("undo drop",),
    "undo never": tuple(f"undo {kind}" for kind in NEVER),
}


@pytest.fixture(scope="module")
def matrix_lab(tmp_path_factory):
    running = RunningLab(tmp_path_factory.mktemp("matrix"), SPEED, "--luns", "4", "--vms", "6")
    yield running
    running.stop()


@pytest.fixture
def pair(matrix_lab, settings, tmp_path, monkeypatch):
    settings.HOLDFAST_VAULT = tmp_path / "vault"
    settings.HOLDFAST_LEASE = 3
    settings.HOLDFAST_COOL_DOWN = 0
    settings.HOLDFAST_HA_LAG = 1
    settings.HOLDFAST_GATES = []  # who may begin a drill, and when, is tested with the approvals
    settings.HOLDFAST_CONSENTS = []
    ports._shell.cache_clear()
    quick = {name: quickened(plan) if "she" in plan.targets else plan for name, plan in registry.plans().items()}
    monkeypatch.setattr(registry, "plans", lambda: quick)
    monkeypatch.setattr(drills, "plans", lambda: quick)
    yield rows(matrix_lab)
    matrix_lab.http("DELETE", "/faults")
    close_shared()
    ports._shell.cache_clear()


def trial(pair, scene, group, tmp_path, table) -> list[str]:
    folder = tmp_path / "marks"
    folder.mkdir()
    return Trial(pair, scene, frozenset(GROUPS[group]), folder, table).go()


@pytest.mark.matrix
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("scene", scenes(), ids=lambda scene: scene.name)
def test_the_whole(pair, scene, group, tmp_path):
    if group.startswith("undo") and not any(callable(step.undo) for step in registry.plans()[scene.plan].steps):
        pytest.skip("no step of the plan has an undo")
    assert trial(pair, scene, group, tmp_path, TABLE) == []


FAST = (("she_agent_stop", "kills"), ("fabric_path_loss", "undo killed"))


@pytest.mark.parametrize(("name", "group"), FAST)
def test_a_part_of_it(pair, name, group, tmp_path):
    scene = next(one for one in scenes() if one.name == name)
    assert trial(pair, scene, group, tmp_path, Table()) == []
