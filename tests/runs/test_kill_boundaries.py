"""A worker is killed at every request that it sends to a real sshd: before the host did it, after, and with the
request arriving only when another worker has long gone on. Each act is executed once, and the Run ends well."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from portal.evidence.services import verify_chain
from portal.kernel.command import Command
from portal.kernel.output import sha256
from portal.kernel.step import Fetch, Kept, Step
from portal.kernel.verdict import done, wait
from portal.runs import services
from portal.runs.models import Run, RunLine, RunStep
from tests.fixtures_gate import Worker, wait_for
from tests.fixtures_runs import drive, mark, plan, states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]

# the requests of the first two steps: look, folder, start, looks at it; look, copy, look
REQUESTS = 9


def _bring() -> Step:
    def settled(seen, parameters):
        if seen["kept"].exit_code == 0 and seen["kept"].stdout == sha256(b"").encode():
            return done("The file one is in the vault.")
        return wait("The file one is not in the vault.")

    return Step(
        name="bring",
        title="Bring one",
        mutating=False,
        looks=lambda parameters: {"there": Command(("test", "-e", "one")), "kept": Kept("one")},
        act=lambda parameters: (Fetch("one", "one"),),
        settled=settled,
        undo="No undo: a copy.",
        patience=30,
        every=0.05,
    )


@pytest.fixture
def run(kvm, plans):
    plans["trial"] = plan(mark("one", seconds=0.1, every=0.15), _bring(), mark("two", every=0.15))
    return services.start("trial", {}, f"host:{kvm.pk}", "anna")


def silence(run: Run) -> None:
    """Time passes until the lease has run out."""
    Run.objects.filter(pk=run.pk).update(lease_expires=Now() - timedelta(seconds=1))


def assert_whole(run: Run, gated) -> None:
    run.refresh_from_db()
    assert (run.status, states(run)) == ("succeeded", ["done", "done", "done"]), run.sentence
    assert gated.ledger() == ["one", "two"]
    numbers = list(RunLine.objects.filter(run=run).order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, run.line_count + 1))
    assert RunLine.objects.filter(run=run, source="host").count() == 2
    assert verify_chain().intact
    # an order to open the run's folder that came after its removal leaves an empty one; nothing can start in it
    assert list(gated.folder.glob(".holdfast/*/*")) == []


def test_undisturbed(run, gated):
    drive(run)
    assert_whole(run, gated)
    assert gated.requests > REQUESTS


# a look that never arrives is like one whose answer is lost; the folder, the start and the copy are not
@pytest.mark.parametrize(
    ("number", "mode"),
    [
        *((number, "late") for number in range(1, REQUESTS + 1)),
        *(pytest.param(number, "done", marks=pytest.mark.matrix) for number in range(1, REQUESTS + 1)),
        *((2, "drop"), (3, "drop"), (8, "drop")),
    ],
)
def test_killed_at_a_request(run, gated, number, mode):
    gated.stop_at(number, mode)
    first = Worker(run.pk)
    wait_for(lambda: gated.held or first.ended, 20)
    if gated.held:
        first.kill()
    if mode != "late":
        gated.open()
    silence(run)
    drive(run)
    gated.open()
    assert_whole(run, gated)


def test_one_worker_after_the_other_dies(run, gated):
    """Eight workers in a row, each killed at its first, second or third request, in whatever phase that is."""
    seen = set()
    for ahead in (1, 2, 3, 1, 2, 3, 2, 3):
        gated.stop_at(gated.requests + ahead, "late")
        worker = Worker(run.pk)
        wait_for(lambda: gated.held or worker.ended, 20)  # noqa: B023
        row = RunStep.objects.filter(run=run, state="running").first()
        seen |= {row.phase} if row else set()
        if gated.held:
            worker.kill()
        gated.open()
        silence(run)
    drive(run)
    assert_whole(run, gated)
    assert seen >= {"look", "intent"}
