"""A drill that was planned ahead begins on the pair that it was planned for, or its approval is void."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from failover.models import Drill, Readiness
from failover.plans_drills import DRILLS
from failover.services import approvals, conduct, gates, roles
from failover.services.drills import AT_THE_ENGINE
from inventory.models import Host
from portal.evidence.models import Record
from portal.runs.models import RunStep
from portal.runs.services import Refused
from tests.ui import drill_world, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine():
    made = world.build("healthy")
    drill_world.people()
    drill_world.ready(made)
    return made


def fresh(drill) -> Drill:
    return Drill.objects.select_related("run", "engine").get(pk=drill.pk)


def runs_on(engine, name, plan="she_failover"):
    """What the last look at the prechecks has seen."""
    Readiness.objects.filter(engine=engine, plan=plan).update(depends={"the engine's host": name})


def hosts(engine):
    rows = Host.objects.filter(engine=engine, he_host_id__isnull=False).order_by("he_host_id")
    return [row.name for row in rows][:2]


def refusal(drill) -> Refused:
    with pytest.raises(Refused) as caught:
        conduct.begin(drill.pk, "operator1")
    return caught.value


def test_an_engine_that_has_moved_voids_the_approval_and_the_sentence_names_both_hosts(engine):
    one, two = hosts(engine)
    drill = drill_world.approved(engine)
    runs_on(engine, two)
    told = refusal(drill)
    assert told.kind == "approval"
    assert str(told).startswith(
        f"The engine VM has moved: the drill was planned for it on {one}, and it runs on {two}."
    )
    assert "request the drill anew" in str(told)
    held = approvals.standing(fresh(drill), timezone.now())
    assert (held.state, held.sentence) == ("void", str(told))
    assert Record.objects.get(kind="drill.approval_void").body["why"] == str(told)
    assert Record.objects.filter(kind="run.refused", subject=f"drill:{drill.pk}").count() == 1
    # it does not come back when the engine does: who approved has to agree again
    runs_on(engine, one)
    assert refusal(drill).kind == "approval"
    assert fresh(drill).run.status == "awaiting_approval"
    approvals.approve(drill.pk, "approver2", drill_world.shown_hash(drill))
    assert conduct.begin(drill.pk, "operator1").status == "queued"


def test_an_engine_that_stayed_or_was_not_seen_changes_nothing(engine):
    drill = drill_world.approved(engine)
    runs_on(engine, "")
    assert gates.gate(fresh(drill).run) == ""
    runs_on(engine, hosts(engine)[0])
    assert conduct.begin(drill.pk, "operator1").status == "queued"


def test_between_beginning_and_first_act_the_gate_voids_it_and_after_that_no_more(engine):
    drill = drill_world.approved(engine)
    conduct.begin(drill.pk, "operator1")
    first = fresh(drill).run.steps.filter(mutating=True).first()
    runs_on(engine, hosts(engine)[1])
    RunStep.objects.filter(pk=first.pk).update(intended_at=timezone.now(), state="done")
    assert gates.gate(fresh(drill).run) == "", "the drill itself moves the engine"
    RunStep.objects.filter(pk=first.pk).update(intended_at=None, state="running")
    assert "has moved" in gates.gate(fresh(drill).run)
    assert approvals.standing(fresh(drill), timezone.now()).state == "void"


def test_a_pair_that_changed_voids_it(engine):
    drill = drill_world.approved(engine)
    row = Host.objects.filter(engine=engine, he_host_id__isnull=False).order_by("he_host_id").last()
    Host.objects.filter(pk=row.pk).update(he_host_id=row.he_host_id + 7)
    assert "hosted-engine hosts were" in str(refusal(drill))
    Host.objects.filter(engine=engine).update(he_host_id=None)
    assert "it needs two at least" in roles.moved(fresh(drill))


def test_the_page_says_it_before_anybody_begins(engine, client):
    from django.contrib.auth.models import User

    drill = drill_world.approved(engine)
    runs_on(engine, hosts(engine)[1])
    client.force_login(User.objects.get(username="operator1"))
    assert "The engine VM has moved" in client.get(f"/drills/{drill.pk}/").content.decode()
    assert approvals.standing(fresh(drill), timezone.now()).state == "approved", "looking voids nothing"


def test_every_plan_that_acts_where_the_engine_runs_is_known_by_its_steps():
    found = {plan.name for plan in DRILLS if any(step.name in roles.AT_THE_ENGINE for step in plan.steps)}
    assert found == set(AT_THE_ENGINE)


def test_a_plan_that_does_not_depend_on_the_engines_host_goes_on(engine):
    drill = drill_world.asked(engine)
    Drill.objects.filter(pk=drill.pk).update(plan="fabric_path_loss")
    drill_world.ready(engine, "fabric_path_loss")
    runs_on(engine, hosts(engine)[1], "fabric_path_loss")
    assert roles.moved(fresh(drill)) == ""
    Drill.objects.filter(pk=drill.pk).update(plan="gone_plan")
    Readiness.objects.filter(plan="fabric_path_loss").update(plan="gone_plan")
    assert "has moved" in roles.moved(fresh(drill)), "of a plan that is not installed nothing is known"


def test_a_drill_without_a_run_or_that_has_begun_is_not_asked(engine):
    drill = drill_world.ended(engine, age=timedelta(hours=1))
    assert refusal(drill).kind == "state"
    assert roles.moved(Drill(engine=engine, plan="she_failover")) == ""
    assert roles.changed(Drill(engine=engine, plan="she_failover")) == ""
