"""Runs and their change: one that is cancelled or moves while a run is under way stops the next step that changes
something and asks; steps that change nothing go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from portal.kernel.change import ChangeUnreachable, Gate
from portal.runs import deciding, pages, services
from portal.runs.models import Run
from portal.runs.services import Refused
from tests.fixtures_runs import drive, states

pytestmark = pytest.mark.django_db(transaction=True)
AWAY = ChangeUnreachable("snow does not answer.")
HOUR = timedelta(hours=1)


def soon(run: Run) -> Run:
    """As when the time that it waits for has come."""
    Run.objects.filter(pk=run.pk, status="waiting").update(due_at=Now())
    return drive(run)


def overtake(run: Run) -> Run:
    run.steps.filter(state="held").update(deadline=Now() - timedelta(seconds=1))
    return soon(run)


def cancel(fake):
    return lambda: fake.put("CHG1", Gate.INVALID, sentence="CHG1 is cancelled.")


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        ({"gate": Gate.INVALID, "sentence": "CHG1 is cancelled."}, "CHG1 is cancelled."),
        ({"begins": timezone.now() + 24 * HOUR, "ends": timezone.now() + 28 * HOUR}, "the change was moved"),
    ],
)
def test_a_late_turn_stops_the_next_act_and_asks(trial, fake, host, turn, words):
    before = fake.put("CHG1")
    run = drive(trial(at=lambda: fake.put("CHG1", **turn)))
    row = run.steps.get(position=3)
    assert (run.status, states(run), host.ledger()) == ("waiting", ["done", "done", "held"], ["one"])
    assert words in row.sentence
    assert run.due_at == row.deadline
    told = pages.rows(run, list(run.steps.all()), timezone.now(), frozenset({"run.start", "run.approve"}))[2]
    assert (told.retriable, told.ignorable, told.undecided) == (True, False, True)
    with pytest.raises(Refused, match="changes something, so it is not left out"):
        services.ignore(run.pk, 3, "berta", "why not")
    fake.put("CHG1", begins=before.begins, ends=before.ends)
    services.retry(run.pk, 3, "anna")
    run = drive(run)
    assert (run.status, host.ledger()) == ("succeeded", ["one", "two"])


def test_when_nobody_decides_the_undos_begin(trial, fake, host):
    fake.put("CHG1")
    run = drive(trial(at=cancel(fake)))
    services.retry(run.pk, 3, "anna")
    run = drive(run)
    assert states(run) == ["done", "done", "held"], "retried while nothing has changed, it asks again"
    left = run.steps.get(position=3).deadline - timezone.now()
    assert left < timedelta(seconds=deciding.AWAY + 5), "something is away: people have two minutes"
    run = overtake(run)
    assert (run.status, host.ledger()) == ("rolled_back", ["one", "undo-one"])


def test_a_person_ends_it(trial, fake, host):
    fake.put("CHG1")
    run = drive(trial(at=cancel(fake)))
    services.abort(run.pk, "anna", "the change was cancelled")
    run = soon(run)
    assert (run.status, host.ledger()) == ("aborted", ["one", "undo-one"])


def test_before_the_first_act_people_have_longer(trial, fake, host):
    fake.put("CHG1")
    run = trial()
    fake.put("CHG1", Gate.INVALID, sentence="CHG1 is cancelled.")
    run = drive(run)
    left = run.steps.get(position=1).deadline - timezone.now()
    assert (states(run)[0], host.ledger()) == ("held", [])
    assert left > timedelta(seconds=deciding.AWAY + 60)
    assert overtake(run).status == "failed"
