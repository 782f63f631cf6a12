"""The report of a drill that really ran, on the lab's pair."""

from __future__ import annotations

import pytest

from failover.models import Drill
from failover.services import concluding, report, report_file
from portal.evidence.services import verify_chain
from tests.fixtures_drill_lab import drill_lab, finish, pair, told  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]
RTO = {"key": "engine", "title": "engine serves again", "kind": "rto", "service": "engine", "seconds": 300}


def test_a_stopped_agent_has_its_report(pair):  # noqa: F811
    drill = pair.begin(
        "she_agent_stop", objectives=[RTO], people=[{"name": "anna", "role": "Operator", "present": True}]
    )
    run = finish(drill.run)
    assert run.status == "succeeded", told(run)
    with pytest.raises(report.NoReport, match="is being measured"):
        report.make(drill.pk, "anna")
    assert concluding.conclude(drill.pk)
    made = report.make(drill.pk, "anna")
    told_of = {one.title: one for one in made.report.steps}
    assert len(told_of) == run.steps.count()
    stopped = next(one for one in made.report.steps if any("stop" in act for act in one.acts))
    assert stopped.actor == f"portal, {stopped.place}"
    assert stopped.place in made.report.frame.hosts
    assert [one.word for one in made.report.objectives] == ["not tested"], "nobody asked the engine here"
    assert made.report.untouched.facts is None or made.report.untouched.odd == ()
    assert all(one.state == "ok" for one in made.report.normal)
    assert [one.title for one in made.report.prechecks]
    assert report_file.html(made) == report_file.html(report.make(Drill.objects.get(pk=drill.pk).pk, "bert"))
    assert verify_chain().intact
