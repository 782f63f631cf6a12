"""The drill plans: what they take, in which order they go, who must agree; and the pair as parameters name it."""

from __future__ import annotations

import pytest

from failover.catalog import pair
from failover.plans_drills import DRILLS
from portal.kernel.plan import ParametersRefused

PLANS = {plan.name: plan for plan in DRILLS}
HOSTS = "7:kvm01:1,8:kvm02:2"
WHOLE = {
    "she_switchover": {"on": 7, "to": 8},
    "she_failover": {"on": 7},
    "she_agent_stop": {"on": 7},
    "engine_service_failure": {"on": 7},
    "host_power_loss": {"on": 7, "how": "fence"},
    "fabric_path_loss": {"on": 7, "fabric": "A", "paths": "3:0:0:1"},
    "backup_rehearsal": {},
    "tabletop": {"questions": "Who?"},
}


def names(plan):
    return [step.name for step in plan.steps]


def test_every_plan_is_there_and_takes_what_it_needs():
    assert set(PLANS) == set(WHOLE)
    for name, given in WHOLE.items():
        assert PLANS[name].checked({"hosts": HOSTS, **given})["hosts"] == HOSTS
        assert PLANS[name].targets == ("she",)


def test_what_is_dangerous_needs_another_person():
    assert {plan.name for plan in DRILLS if not plan.approval} == {"backup_rehearsal", "tabletop"}
    assert not any(step.mutating for plan in DRILLS if not plan.approval for step in plan.steps)


@pytest.mark.parametrize("plan", DRILLS, ids=lambda plan: plan.name)
def test_each_looks_first_and_leaves_nothing_behind(plan):
    order = names(plan)
    assert order[0] == "ready_again"
    breaking = [index for index, step in enumerate(plan.steps) if step.mutating]
    if not breaking:
        return
    assert order[:3] == ["ready_again", "fingerprint_before", "start_clock"]
    assert breaking[0] == 3, "the clock starts right before the injection"
    assert order[-3:] == ["wait_scores_back", "fingerprint_after", "closing_checks"]
    assert order.index("stop_clock") > breaking[0]


@pytest.mark.parametrize(
    ("plan", "given", "words"),
    [
        ("she_failover", {"on": 0}, "key of a host"),
        ("she_failover", {"hosts": "kvm01"}, "does not name hosted-engine hosts"),
        ("she_failover", {"hosts": "7:kvm01:1,7:kvm02:2"}, "named twice"),
        ("host_power_loss", {"how": "axe"}, "person or fence"),
        ("fabric_path_loss", {"fabric": " "}, "names a fabric"),
        ("fabric_path_loss", {"watch_seconds": 9999}, "too long to watch"),
        ("fabric_path_loss", {"paths": "x"}, "no SCSI address"),
        ("tabletop", {"questions": "\n"}, "No question"),
        ("tabletop", {"questions": "q\n" * 101}, "At most 100"),
    ],
)
def test_what_does_not_fit_is_refused(plan, given, words):
    with pytest.raises(ParametersRefused, match=words):
        PLANS[plan].checked({"hosts": HOSTS, **WHOLE[plan], **given})


def test_the_pair_is_read_as_it_is_written():
    given = {"hosts": HOSTS, "on": 8}
    members = pair.members(given)
    assert pair.written(members) == HOSTS
    assert (pair.member(given, "on").name, pair.member(given, "on").target) == ("kvm02", "host:8")
    assert [one.name for one in pair.others(given, "on")] == ["kvm01"]
    with pytest.raises(ValueError, match="none of the hosted-engine hosts"):
        pair.member({"hosts": HOSTS, "on": 9}, "on")
    with pytest.raises(ValueError, match="does not name"):
        pair.members({"hosts": "nobody"})
