"""A drill and its change: bound by its approval, asked before it begins, shown as it was read back last, lifted with
the glass, and traced into the engine."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from failover.api_fields import change_of, gate_state
from failover.models import Drill
from failover.services import approvals, breaking, change_gate, conduct, drills, gates, pages_change
from failover.services.correlating import correlation
from portal.access import request_id
from portal.changes.asked import Asked
from portal.changes.models import Change, ChangeSystem
from portal.changes.services import look, note
from portal.changes.services.delivering import deliver_due
from portal.kernel.change import ChangeRefused, ChangeUnreachable, Gate
from portal.runs.models import Run
from portal.runs.ports import Asks
from portal.runs.services import Refused
from tests.changes.conftest import fake, system  # noqa: F401
from tests.ui import drill_world, world

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def engine(system):  # noqa: F811
    made = world.build("healthy")
    drill_world.people()
    drill_world.ready(made)
    return made


def asked(engine, **fields) -> Drill:
    change = Asked("CHG1", "snow", "id-CHG1", ("olvm",))
    return drill_world.asked(engine, change=change, **fields)


def agreed(drill: Drill) -> Drill:
    approvals.approve(drill.pk, "approver1", drill_world.shown_hash(drill))
    return fresh(drill)


def fresh(drill: Drill) -> Drill:
    return Drill.objects.select_related("run__bound__system", "engine").get(pk=drill.pk)


def read_back(drill: Drill) -> Drill:
    Change.objects.update(seen_at=timezone.now() - timedelta(minutes=1), tried_at=None)
    look(drill.run.bound_id)
    return fresh(drill)


def test_system_identity_and_items_are_part_of_what_is_approved(engine, fake):  # noqa: F811
    fake.put("CHG1")
    drill = agreed(asked(engine))
    content = approvals.content(drill)
    assert [content[name] for name in ("change_system", "change_id", "change_ci")] == ["snow", "id-CHG1", ["olvm"]]
    for part, value in (("sys_id", "another"), ("ci", ["olvm", "more"]), ("system", "jira")):
        Run.objects.filter(pk=drill.run_id).update(change_asked={**drill.run.change_asked, part: value})
        said = approvals.standing(fresh(drill), timezone.now())
        assert (said.state, "approved something else" in said.sentence) == ("void", True), part
    Run.objects.filter(pk=drill.run_id).update(change_asked=drill.run.change_asked)
    assert approvals.standing(fresh(drill), timezone.now()).state == "approved"


def test_it_begins_when_the_change_allows_it_and_not_before(engine, fake):  # noqa: F811
    fake.put("CHG1", Gate.AWAITING, sentence="CHG1 awaits the board.")
    drill = agreed(asked(engine))
    with pytest.raises(Refused, match="CHG1 awaits the board") as caught:
        conduct.begin(drill.pk, "operator1")
    assert caught.value.kind == "gate"
    assert gate_state(fresh(drill), timezone.now()) == "awaiting"
    assert gates.shown(fresh(drill), timezone.now()) == "CHG1 awaits the board."
    fake.put("CHG1", Gate.ALLOWED)
    drill = read_back(drill)
    assert gate_state(drill, timezone.now()) == "allowed"
    assert pages_change.bound(drill, timezone.now()).word == "Allowed"
    run = conduct.begin(drill.pk, "operator1")
    assert run.status == "queued"
    frozen = Asked.thawed(Run.objects.get(pk=run.pk).change_asked)
    assert (frozen.begins is not None, frozen.sys_id) == (True, "id-CHG1")
    assert approvals.standing(fresh(drill), timezone.now()).state == "approved", "what was agreed to is as it was"


def test_the_page_and_the_api_tell_what_was_read_back_last(engine, fake):  # noqa: F811
    fake.put("CHG1", Gate.INVALID, sentence="CHG1 is cancelled.")
    drill = read_back(agreed(asked(engine)))
    told = change_of(drill)
    assert (told["gate"], told["sentence"], told["system"]) == ("invalid", "CHG1 is cancelled.", "snow")
    assert (gate_state(drill, timezone.now()), told["undelivered"]) == ("invalid", 0)
    fake.error = ChangeUnreachable("snow does not answer.")
    drill = read_back(drill)
    assert gate_state(drill, timezone.now()) == "prevented"
    assert pages_change.bound(drill, timezone.now()).state == "unknown"


def test_the_page_has_the_change_with_its_age_and_what_was_not_delivered(engine, fake, client):  # noqa: F811
    fake.put("CHG1", Gate.AWAITING, sentence="CHG1 awaits the board.")
    drill = read_back(asked(engine))
    note(drill.run.bound, "run:1:one", "run:1", "one", timezone.now())
    fake.errors["note"] = [ChangeRefused("snow says no.")]
    deliver_due(timezone.now())
    client.force_login(User.objects.get(username="operator1"), backend="portal.access.backend.PeopleBackend")
    page = " ".join(client.get(f"/drills/{drill.pk}/").content.decode().split())
    for words in ("CHG1 of snow", "CHG1 awaits the board.", "1 note to the change", f"/changes/{drill.run.bound_id}/"):
        assert words in page, words


def test_the_broken_glass_lifts_the_change_too(engine, fake):  # noqa: F811
    fake.error = ChangeUnreachable("snow does not answer.")
    drill = agreed(asked(engine))
    with pytest.raises(Refused, match="cannot be read back"):
        conduct.begin(drill.pk, "operator1")
    breaking.ask(drill.pk, "operator1", "The change system burns and the drill is the regulator's.")
    breaking.confirm(drill.pk, "approver1")
    drill = read_back(drill)
    assert gate_state(drill, timezone.now()) == "allowed"
    assert pages_change.bound(drill, timezone.now()).word == "Lifted"
    conduct.begin(drill.pk, "operator1")
    drill.run.steps.filter(mutating=True).update(state="running")
    assert change_gate.gate(Run.objects.get(pk=drill.run_id)) == ""


def test_the_end_of_its_own_window_asks_once_it_has_begun(engine, fake):  # noqa: F811
    fake.put("CHG1")
    drill = agreed(asked(engine))
    conduct.begin(drill.pk, "operator1")
    step = drill.run.steps.filter(mutating=True).first()
    drill.run.steps.filter(pk=step.pk).update(intended_at=timezone.now(), state="running")
    content = approvals.content(fresh(drill))
    assert gates.gate(Run.objects.get(pk=drill.run_id)) == ""
    ends = timezone.now() - timedelta(seconds=1)
    Drill.objects.update(window_ends=ends)
    drill.approvals.update(content={**content, "ends": approvals.content(fresh(drill))["ends"]})
    said = gates.calendar(fresh(drill), timezone.now(), begun=True)
    assert "window ended" in said
    run = Run.objects.get(pk=drill.run_id)
    assert isinstance(gates._calendar(fresh(drill), run, timezone.now()), Asks)


def test_a_change_that_is_not_there_is_refused_when_the_drill_is_asked_for(engine, fake):  # noqa: F811
    window = (timezone.now() + HOUR, timezone.now() + 5 * HOUR)
    with pytest.raises(Refused, match="is not known to the change system") as caught:
        drills.request(
            engine, "tabletop", {"questions": "Who calls whom?"}, by="operator1", window=window, change="CHG404"
        )
    assert caught.value.kind == "change"
    with pytest.raises(Refused, match="not in charge") as caught:
        drills.request(
            engine,
            "tabletop",
            {"questions": "Who calls whom?"},
            by="operator1",
            window=window,
            change=Asked("CHG1", "jira"),
        )
    fake.error = ChangeUnreachable("snow does not answer.")
    assert drills.request(
        engine, "tabletop", {"questions": "Who calls whom?"}, by="operator1", window=window, change="CHG5"
    ).run.bound


def test_a_drill_needs_a_change_where_a_system_says_so(engine, fake):  # noqa: F811
    ChangeSystem.objects.update(required="ha")
    drill = agreed(drill_world.asked(engine, change=""))
    words = "snow requires a change for drills and maintenance"
    assert words in gates.shown(drill, timezone.now())
    with pytest.raises(Refused, match=words):
        conduct.begin(drill.pk, "operator1")


def test_the_engines_events_carry_the_request(engine, fake):  # noqa: F811
    mark = request_id.current.set("bank-request-4711")
    try:
        drill = drill_world.asked(engine, change="")
    finally:
        request_id.current.reset(mark)
    given = {"run": str(drill.run.ref)}
    told = correlation(given, "m")
    assert (told.startswith("bank-request-4711-"), len(told) <= 36, told[-1]) == (True, True, "m")
    assert correlation(given, "f") != told
    Run.objects.update(request_id="x" * 64)
    assert (len(correlation(given, "m")), correlation(given, "m")[:23]) == (36, "x" * 22 + "-")
    Run.objects.update(request_id="")
    assert correlation(given, "m") == f"hf-{str(drill.run.ref).replace('-', '')}m"
