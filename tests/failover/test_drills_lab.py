"""Every drill plan in the lab, to its verdict."""

from __future__ import annotations

import pytest

from portal.evidence.models import Record
from tests.fixtures_drill_lab import drill_lab, finish, pair, told  # noqa: F401
from tests.fixtures_runs import states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]


def test_a_failover_is_drilled(pair):  # noqa: F811
    was = pair.on.name
    drill = pair.begin("she_failover")
    run = finish(drill.run)
    assert run.status == "succeeded", told(run)
    assert states(run) == ["done"] * 9
    assert pair.acts("hosted-engine", "--vm-poweroff") == 1
    assert pair.truth["engine_vm_host"] != was
    drill.refresh_from_db()
    assert drill.clock_began < drill.clock_ended
    assert drill.before["engine_on"] == was
    assert drill.after["engine_on"] == pair.on.name
    kinds = set(Record.objects.filter(subject=f"drill:{drill.pk}").values_list("kind", flat=True))
    assert kinds >= {"drill.requested", "drill.before", "drill.clock_began", "drill.clock_ended", "drill.after"}


def test_an_agent_is_stopped_and_started(pair):  # noqa: F811
    was = pair.on.name
    run = finish(pair.begin("she_agent_stop").run)
    assert run.status == "succeeded", told(run)
    assert (pair.acts("systemctl", "stop"), pair.acts("systemctl", "start")) == (1, 1)
    assert pair.truth["engine_vm_host"] == was
    assert pair.truth["hosts"][was]["agent"] == "running"


def test_a_switchover_is_drilled(pair):  # noqa: F811
    was, generation = pair.on.name, pair.truth["engine_generation"]
    drill = pair.begin("she_switchover")
    run = finish(drill.run)
    assert run.status == "succeeded", told(run)
    assert pair.truth["engine_vm_host"] != was
    assert pair.truth["engine_generation"] == generation, "the engine never stopped"
