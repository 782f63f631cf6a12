"""The tables of moves."""

from __future__ import annotations

import itertools

import pytest

from portal.runs.models import Run, RunStep
from portal.runs.states import ENDED, RUN_MOVES, STEP_MOVES, NotAllowed, move_run, move_step

pytestmark = pytest.mark.django_db


def make(**fields) -> Run:
    values = {"plan": "trial", "plan_version": 1, "title": "Trial", "target": "host:1", "requested_by": "anna"}
    return Run.objects.create(**(values | fields))


@pytest.mark.parametrize(("origin", "to"), list(itertools.product(Run.Status.values, repeat=2)))
def test_a_run_moves_only_along_the_table(origin, to):
    run = make(status=origin)
    if to in RUN_MOVES[origin]:
        assert move_run(run.pk, [origin], to)
        assert Run.objects.get(pk=run.pk).status == to
    else:
        with pytest.raises(NotAllowed):
            move_run(run.pk, [origin], to)
        assert Run.objects.get(pk=run.pk).status == origin


@pytest.mark.parametrize(("origin", "to"), list(itertools.product(RunStep.State.values, repeat=2)))
def test_a_step_moves_only_along_the_table(origin, to):
    step = RunStep.objects.create(run=make(), position=1, name="one", title="One", mutating=True, state=origin)
    if to in STEP_MOVES[origin]:
        assert move_step(step.pk, [origin], to)
    else:
        with pytest.raises(NotAllowed):
            move_step(step.pk, [origin], to)


def test_every_status_and_state_is_in_its_table():
    assert set(RUN_MOVES) == set(Run.Status.values)
    assert set(STEP_MOVES) == set(RunStep.State.values)


def test_what_succeeded_was_aborted_or_rolled_back_stays_so():
    assert {status for status in ENDED if not RUN_MOVES[status]} == {"succeeded", "aborted", "rolled_back"}
    assert all(RUN_MOVES[status] <= {"queued"} for status in ENDED)


def test_a_run_that_stands_elsewhere_is_not_moved():
    run = make(status="aborted")
    assert not move_run(run.pk, ["queued"], "running")
    assert Run.objects.get(pk=run.pk).status == "aborted"


def test_an_older_fence_moves_nothing():
    run = make(status="running", fence=7)
    assert not move_run(run.pk, ["running"], "succeeded", under=6)
    assert move_run(run.pk, ["running"], "succeeded", under=7)
