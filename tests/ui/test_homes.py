"""Whoever acts on the run of a drill comes back to the drill, not to the run."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from portal.runs import pages
from portal.runs.models import Run
from tests.ui import drill_world, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def drill():
    engine = world.build("healthy")
    drill_world.people()
    drill_world.ready(engine)
    return drill_world.running(engine)


def test_an_abort_lands_on_the_drill(drill, client):
    client.force_login(User.objects.get(username="operator1"))
    page = client.get(f"/runs/{drill.run_id}/abort/").content.decode()
    assert f'href="/drills/{drill.pk}/">Back, do nothing' in page
    answer = client.post(f"/runs/{drill.run_id}/abort/", {"reason": "Enough seen"})
    assert (answer.status_code, answer["Location"]) == (302, f"/drills/{drill.pk}/")
    assert Run.objects.get(pk=drill.run_id).abort_by == "operator1"


def test_a_run_of_its_own_lands_on_itself(drill):
    assert pages.home(drill.run_id) == f"/drills/{drill.pk}/"
    other = Run.objects.create(plan="support_bundle", plan_version=1, title="x", digest="0" * 64, target="host:1",
                               target_name="h", requested_by="x")  # fmt: skip
    assert pages.home(other.pk) == f"/runs/{other.pk}/"
