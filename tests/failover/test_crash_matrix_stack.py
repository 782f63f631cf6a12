"""The crash matrix under real processes: Celery's worker and beat, a Redis and a PostgreSQL of their own. At every step
Redis is flushed, PostgreSQL crashes, and the whole machine of the portal goes. tests/runs/test_kill_services.py is what
of it runs always."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test.utils import override_settings

from failover.services import drills
from portal.connectors.engine import close_shared
from portal.evidence.services import verify_chain
from portal.runs import ports, registry
from tests.failover.matrix_scenes import Scene, scenes
from tests.failover.matrix_stack import MatrixStand, disturbed
from tests.failover.matrix_table import TABLE
from tests.fixtures_drill_lab import quickened, rows
from tests.fixtures_lab import RunningLab
from tests.fixtures_stand import default_database

pytestmark = [pytest.mark.matrix, pytest.mark.wire, pytest.mark.timeout(900)]

SPEED = 50.0
# one per plan: what they do differently on the lab's side is disturbed in test_crash_matrix.py
TWICE = ("enter host", "enter, a write lost", "leave host", "leave, a write lost", "host_power_loss, fenced")


def chosen() -> list[Scene]:
    return [scene for scene in scenes() if scene.name not in TWICE]


def undoing() -> list[Scene]:
    return [scene for scene in chosen() if _last_undo(scene)]


def _last_undo(scene: Scene) -> int:
    steps = registry.plans()[scene.plan].steps
    return max((number for number, step in enumerate(steps, 1) if isinstance(step.undo, Callable)), default=0)


@pytest.fixture(scope="module")
def matrix_stand(django_db_blocker):
    made = MatrixStand()
    try:
        made.start_postgres()
        made.sql("CREATE DATABASE holdfast")
        made.start_redis()
        made.manage("migrate", "-v", "0")
        with django_db_blocker.unblock(), default_database(made.folder):
            yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def pair(matrix_stand, tmp_path_factory):
    quick = {name: quickened(plan) if "she" in plan.targets else plan for name, plan in registry.plans().items()}
    running = RunningLab(tmp_path_factory.mktemp("matrix"), SPEED, "--luns", "4", "--vms", "6")
    lifted = {
        "HOLDFAST_GATES": [],
        "HOLDFAST_CONSENTS": [],
        "HOLDFAST_COOL_DOWN": 0,
        "HOLDFAST_HA_LAG": 1,
        "HOLDFAST_LEASE": 3,
    }
    with pytest.MonkeyPatch.context() as patch, override_settings(**lifted):
        patch.setattr(registry, "plans", lambda: quick)
        patch.setattr(drills, "plans", lambda: quick)
        ports._shell.cache_clear()
        made = rows(running)
        matrix_stand.whole()
        yield made
    close_shared()
    ports._shell.cache_clear()
    running.stop()


@pytest.mark.parametrize("scene", chosen(), ids=lambda scene: scene.name)
def test_the_stack_goes_at_every_step(matrix_stand, pair, scene):
    assert disturbed(matrix_stand, pair, scene, TABLE) == []
    assert verify_chain().intact


@pytest.mark.parametrize("scene", undoing(), ids=lambda scene: scene.name)
def test_the_stack_goes_at_every_undo(matrix_stand, pair, scene):
    assert disturbed(matrix_stand, pair, scene, TABLE, abort=_last_undo(scene) + 1) == []
    assert verify_chain().intact
