"""What a run needs of its change before it starts, and what the gate says of it at a step."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from failover.services import change_gate
from inventory.models import Engine
from portal.changes.asked import Asked
from portal.changes.gate import Decision
from portal.changes.models import Change, ChangeSystem
from portal.changes.services import lifting, looking
from portal.evidence.models import Record
from portal.kernel.change import ChangeUnreachable, Gate
from portal.kernel.step import Step
from portal.kernel.verdict import done
from portal.runs import services
from portal.runs.models import Run
from portal.runs.ports import Asks, Later
from portal.runs.services import Refused
from tests.fixtures_runs import plan

pytestmark = pytest.mark.django_db
AWAY = ChangeUnreachable("snow does not answer.")
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"gate": Gate.AWAITING, "sentence": "CHG1 awaits the board."}, "awaits the board"),
        ({"gate": Gate.PREVENTED, "sentence": "CHG1 is on hold."}, "on hold"),
        ({"begins": HOUR, "ends": 9 * HOUR}, "begins at"),
        ({"ends": timedelta(seconds=90)}, "ends after the window"),
        ({"ci": ("web01",)}, "covers web01"),
    ],
)
def test_without_its_agreement_nothing_is_started(trial, fake, host, fields, words):
    now = timezone.now()
    fake.put("CHG1", **{name: now + one if isinstance(one, timedelta) else one for name, one in fields.items()})
    with pytest.raises(Refused, match=words) as caught:
        trial(Asked("CHG1", ci=("olvm",)))
    assert caught.value.kind == "change"
    assert (Run.objects.count(), host.ledger()) == (0, [])
    assert Record.objects.get(kind="run.refused").actor == "anna"


def test_what_nobody_knows_is_refused(trial, fake):
    with pytest.raises(Refused, match="not known to the change system"):
        trial("CHG404")
    fake.error = AWAY
    with pytest.raises(Refused, match="cannot be read back, so nothing acts"):
        trial("CHG1")
    with pytest.raises(Refused, match="jira is not in charge") as caught:
        trial(Asked("CHG1", "jira"))
    assert caught.value.kind == "parameters"


def test_the_same_key_with_the_same_change_is_one_run(trial, fake):
    fake.put("CHG1")
    one = trial(Asked("CHG1", ci=("olvm",)), idempotency_key="k")
    assert trial(Asked("CHG1", ci=("olvm",)), idempotency_key="k").pk == one.pk
    with pytest.raises(Refused) as caught:
        trial(Asked("CHG1", ci=("olvm", "more")), idempotency_key="k")
    assert caught.value.kind == "idempotency"


def shown(run: Run) -> Decision:
    """What pages say of the change as it was read back last."""
    decision = change_gate.stored(Run.objects.select_related("bound__system").get(pk=run.pk), timezone.now())
    assert decision is not None
    return decision


def at(run: Run, position: int) -> str:
    """What the gate says as this step is about to act."""
    run.steps.update(state="waiting")
    run.steps.filter(position=position).update(state="running")
    return change_gate.gate(Run.objects.get(pk=run.pk))


def test_the_gate_is_asked_for_steps_that_change_something(trial, fake):
    fake.put("CHG1")
    run = trial(Asked("CHG1", "snow", ci=("olvm",)))
    assert (run.change, run.bound.number, run.change_asked["ci"]) == ("CHG1", "CHG1", ["olvm"])
    frozen = Asked.thawed(run.change_asked)
    assert (frozen.begins is not None, frozen.sys_id) == (True, "id-CHG1"), "so a move of the window is noticed"
    assert Record.objects.get(kind="run.started").body["change_asked"]["system"] == "snow"
    assert at(run, 1) == at(run, 2) == at(run, 3) == ""
    fake.put("CHG1", Gate.INVALID, sentence="CHG1 is cancelled.")
    assert (at(run, 2), at(run, 3)) == ("", "CHG1 is cancelled.")
    assert isinstance(at(run, 1), Asks)


def test_a_moment_without_an_answer_waits_and_longer_asks(trial, fake):
    fake.put("CHG1")
    run = trial()
    fake.error = AWAY
    assert isinstance(at(run, 3), Later)
    Change.objects.update(failing_since=timezone.now() - timedelta(seconds=60))
    said = at(run, 3)
    assert isinstance(said, Asks)
    assert "cannot be read back" in said


def test_what_gives_back_is_never_prevented(trial, fake, monkeypatch):
    fake.put("CHG1")
    run = trial()
    fake.put("CHG1", Gate.INVALID, sentence="CHG1 is cancelled.")
    monkeypatch.setattr(change_gate, "GIVING_BACK", frozenset({"trial"}))
    assert at(run, 3) == ""


def test_a_lifted_gate_lets_begin_what_the_system_cannot_say(trial, fake, system):
    fake.error = AWAY
    lifting.ask(system, "anna", "The change system burns and HA is away.", timezone.now())
    with pytest.raises(Refused, match="cannot be read back"):
        trial()
    lifting.confirm(system, "berta", timezone.now())
    assert at(trial(), 1) == ""


def test_a_change_of_another_engine_allows_nothing_here(trial, fake, estate):
    other = estate.engine
    other.pk, other.name, other.url = None, "elsewhere", "https://elsewhere/api"
    other.save(force_insert=True)
    assert Engine.objects.count() == 2
    fake.put("CHG1", ci=("elsewhere",))
    with pytest.raises(Refused, match=r"covers elsewhere, and .* is no part of that"):
        trial()
    fake.put("CHG1", ci=("a service of its own",))
    run = trial()
    assert at(run, 3) == "", "what no name here means is not compared"
    fake.put("CHG1", ci=("ELSEWHERE", "more"))
    assert isinstance(at(run, 3), Asks)
    assert not shown(run).lets, "the page says what the gate says"
    fake.put("CHG1", ci=("elsewhere", "KVM1"))
    assert at(run, 3) == ""
    assert shown(run).lets


def test_a_lift_ends_before_its_time(trial, fake, system, people):
    now = timezone.now()
    with pytest.raises(lifting.LiftRefused, match="not lifted"):
        lifting.end(system, "carl", now)
    fake.error = AWAY
    lifting.ask(system, "anna", "The change system burns and HA is away.", now)
    lifting.end(system, "anna", now)
    with pytest.raises(lifting.LiftRefused, match="Nobody has asked"):
        lifting.confirm(system, "berta", now)
    lifting.ask(system, "anna", "The change system burns and HA is away.", now)
    lifting.confirm(system, "berta", timezone.now())
    run = trial()
    lifting.end(system, "carl", timezone.now())
    assert lifting.lifted(system.pk, timezone.now()) is None
    Change.objects.update(failing_since=timezone.now() - timedelta(seconds=60))
    assert isinstance(at(run, 3), Asks), "from then on the gate asks again"
    told = Record.objects.filter(kind="change_system.lift_ended").order_by("number")
    assert [(one.actor, one.body["confirmed_by"]) for one in told] == [("anna", ""), ("carl", "berta")]


def test_a_lifted_gate_overrides_no_answer(trial, fake, system):
    lifting.ask(system, "anna", "The change system burns and HA is away.", timezone.now())
    lifting.confirm(system, "berta", timezone.now())
    fake.put("CHG1", Gate.AWAITING, sentence="CHG1 awaits the board.")
    with pytest.raises(Refused, match="awaits the board"):
        trial()
    fake.put("CHG1")
    looking.look(Change.objects.get().pk)
    fake.error = AWAY
    run = trial()
    assert Asked.thawed(run.change_asked).ends is not None, "the window is frozen as it was known"
    assert at(run, 3) == ""
    fake.error = None
    fake.put("CHG1", Gate.INVALID, sentence="CHG1 is cancelled.")
    said = at(run, 3)
    assert (said, isinstance(said, Asks)) == ("CHG1 is cancelled.", True)


def test_a_demand_is_lifted_when_each_system_that_makes_it_is(trial, fake, system, people):
    ChangeSystem.objects.update(required="all")
    other = ChangeSystem.objects.create(name="zeta", kind="jira", url="https://z", required="all")
    for row, still in ((system, "zeta requires"), (other, "")):
        lifting.ask(row, "anna", "The change system burns and HA is away.", timezone.now())
        lifting.confirm(row, "berta", timezone.now())
        if still:
            with pytest.raises(Refused, match=still):
                trial("")
    assert trial("").pk


def test_a_change_is_demanded_where_a_system_says_so(trial, fake, system):
    ChangeSystem.objects.update(required="ha")
    run = trial("")
    assert at(run, 1) == "", "a host's run is no drill"
    ChangeSystem.objects.update(required="all")
    assert isinstance(at(run, 3), Asks), "a demand that comes late asks before the next act"
    Run.objects.update(status="aborted")
    with pytest.raises(Refused, match="snow requires a change for every act that changes something"):
        trial("")
    ChangeSystem.objects.update(enabled=False)
    with pytest.raises(Refused, match="snow requires a change"):
        trial("")
    ChangeSystem.objects.update(enabled=True)
    assert services.start("trial", {}, run.target, "holdfast").pk, "what is unattended is not lost"
    Run.objects.update(status="aborted")
    ChangeSystem.objects.update(sites=["DR"])
    assert trial("").pk
    Run.objects.update(status="aborted", target=f"she:{run.target[5:]}")
    ChangeSystem.objects.update(sites=[], required="ha")
    assert change_gate.required(Run.objects.filter(requested_by="anna").first())


def test_what_changes_nothing_needs_no_agreement(trial, fake, plans):
    fake.put("CHG1", Gate.AWAITING)
    watch = Step("watch", "Watch it", False, lambda seen, given: done("Fine."), 20, "No undo: it only watches.")
    plans["trial"] = plan(watch)
    assert trial().pk
