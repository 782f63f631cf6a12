"""Maintenance windows against the lab: entered and left in each scope, confirmed from the other host."""

from __future__ import annotations

import pytest

from failover.models import Window
from failover.services import windows
from portal.evidence.models import Record
from tests.fixtures_maintenance import A, B, finish, pair, pair_lab  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]


def sentences(run):
    return run.sentence, [(row.name, row.state, row.sentence) for row in run.steps.order_by("position")]


def test_global_maintenance_is_entered_and_left(pair):  # noqa: F811
    standby = pair.standby()
    run = finish(pair.enter("global"))
    assert run.status == "succeeded", sentences(run)
    truth = pair.truth()
    assert truth["global_maintenance"]
    assert {truth["hosts"][name]["state"] for name in (A, B)} == {"GlobalMaintenance"}
    window = pair.window()
    assert (window.state, window.release_on.name, len(pair.timers())) == ("active", standby, 1)
    assert window.release == pair.timers()[0].removesuffix(".timer")
    left = finish(windows.leave(window, "anna"))
    assert left.status == "succeeded", sentences(left)
    assert pair.healthy()
    assert pair.timers() == []
    assert pair.modes() == [f"{standby} global", f"{standby} none"]
    assert pair.window().state == Window.State.ENDED
    kinds = list(Record.objects.filter(subject=f"window:{window.pk}").order_by("number").values_list("kind", flat=True))
    assert kinds == ["window.asked", "window.entered", "window.leave_asked", "window.ended"]
