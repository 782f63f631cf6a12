"""A sys_id that somebody names: the change system says whether it is the change's, and nothing of a wrong one stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from portal.changes.asked import Asked
from portal.changes.gate import Need
from portal.changes.models import Change, ChangeSystem
from portal.changes.services import BindRefused, bind, fresh, look
from portal.evidence.models import Record
from portal.kernel.change import ChangeUnreachable, Gate
from portal.runs.models import Run
from portal.runs.services import Refused

pytestmark = pytest.mark.django_db
AWAY = ChangeUnreachable("snow does not answer.")
RIGHT, WRONG = "id-CHG1", "f" * 32


def named(sys_id: str) -> Change:
    found = bind(Asked("CHG1", sys_id=sys_id), "PROD", "anna", timezone.now())
    assert found is not None
    return found


@pytest.mark.parametrize("strict", [True, False])
def test_a_wrong_sys_id_is_refused_and_the_next_request_finds_the_change(system, fake, strict):
    """strict: as Jira answers, with a change that is not there; else as ServiceNow, with the one of the number."""
    fake.put("CHG1")
    fake.strict = strict
    with pytest.raises(BindRefused, match="sys_id"):
        named(WRONG)
    assert (Change.objects.count(), Record.objects.filter(kind="change.seen").count()) == (0, 0)
    row = look(named("").pk)
    assert (row.sys_id, row.gate) == (RIGHT, "allowed")
    with pytest.raises(BindRefused, match="sys_id"):
        named(WRONG)
    row = look(row.pk)
    assert (row.sys_id, row.gate) == (RIGHT, "allowed")


def test_the_right_one_is_taken_whatever_its_letters_and_asked_for_once(system, fake):
    fake.put("CHG1")
    assert named(RIGHT).sys_id == RIGHT
    assert named(RIGHT.upper()).pk == Change.objects.get().pk
    assert fake.reads == 1


def test_a_change_that_is_not_there_is_refused_with_its_sentence(system, fake):
    with pytest.raises(BindRefused, match="CHG1 is not known"):
        named(RIGHT)
    assert not Change.objects.exists()


def test_a_system_that_tells_no_sys_id_cannot_confirm_one(system, fake):
    seen = fake.put("CHG1")
    fake.strict = False
    fake.changes["CHG1"] = replace(seen, key=replace(seen.key, sys_id=""))
    with pytest.raises(BindRefused, match="tells no sys_id of CHG1"):
        named(RIGHT)


def test_while_it_does_not_answer_the_sys_id_stays_with_the_request(system, fake):
    fake.put("CHG1")
    fake.error = AWAY
    assert named(WRONG).sys_id == ""
    fake.error = None
    found = fresh(Change.objects.get().pk, Need(Asked("CHG1", sys_id=WRONG)), timezone.now())
    assert (found.gate, WRONG in found.sentence) == (Gate.INVALID, True)
    assert fresh(Change.objects.get().pk, Need(Asked("CHG1", sys_id=RIGHT)), timezone.now()).lets


def test_nobody_waits_twice_for_a_system_that_does_not_answer(system, fake):
    fake.put("CHG1")
    fake.error = AWAY
    row = look(named(WRONG).pk)
    asked = fake.reads
    assert (named(WRONG).pk, fake.reads) == (row.pk, asked)
    Change.objects.update(tried_at=timezone.now() - timedelta(minutes=2))
    named(WRONG)
    assert fake.reads == asked + 1


def test_one_that_only_the_named_sys_id_leads_to_is_confirmed_at_the_gate(system, fake):
    """As a deployment of Jira: by the number alone no sys_id is told."""
    seen = fake.put("CHG1")
    fake.changes["CHG1"] = replace(seen, key=replace(seen.key, sys_id=""))
    row = look(bind(Asked("CHG1"), "PROD", "anna", timezone.now()).pk)
    assert row.sys_id == ""
    fake.changes["CHG1"] = seen
    assert fresh(row.pk, Need(Asked("CHG1", sys_id=RIGHT)), timezone.now()).lets
    assert Change.objects.get().sys_id == RIGHT
    fake.changes["CHG1"] = replace(seen, key=replace(seen.key, sys_id=""))
    Change.objects.update(sys_id="")
    found = fresh(row.pk, Need(Asked("CHG1", sys_id=WRONG)), timezone.now())
    assert found.gate is Gate.INVALID


def test_an_act_with_a_wrong_one_is_the_mistake_of_whoever_asks(trial, fake):
    fake.put("CHG1")
    with pytest.raises(Refused, match="sys_id") as caught:
        trial(Asked("CHG1", sys_id=WRONG))
    assert (caught.value.kind, Run.objects.count(), Change.objects.count()) == ("parameters", 0, 0)
    assert trial("CHG1").bound.sys_id == RIGHT


def test_what_the_system_tells_of_itself_wins_over_what_is_kept(system, fake):
    fake.put("CHG1")
    row = named("")
    Change.objects.update(sys_id=WRONG)
    fake.strict = False
    row = look(row.pk)
    assert (row.sys_id, row.gate) == (RIGHT, "allowed")


def test_what_requests_named_before_is_forgotten_once(system):
    """Migration 0002; a deployment of Jira that the portal asked for itself stays."""
    jira = ChangeSystem.objects.create(name="jira", kind="jira", url="https://j")
    for number, (of, short) in enumerate(((system, ""), (system, "Drill"), (jira, ""), (jira, "Drill"))):
        given = {"number": f"C{number}", "mark": f"m{number}", "asked_by": "anna", "asked_at": timezone.now()}
        Change.objects.create(system=of, short=short, sys_id="x", **given)
    import_module("portal.changes.migrations.0002_wishes_holds_lifts").forget_what_requests_named(apps, None)
    assert list(Change.objects.order_by("number").values_list("sys_id", flat=True)) == ["", "", "", "x"]
