"""What must never be left behind, each with its command; what an open window set is its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.verdicts.guard_facts import Facts, HostFacts
from failover.verdicts.leftovers import Beside, Owned, left

A, B = "kvm01", "kvm02"
GOOD = HostFacts(
    name=A,
    reachable=True,
    live=True,
    score=3400,
    state="EngineUp",
    published=False,
    flag_local=False,
    flag_manual=False,
    claims=True,
    serves=True,
    agent="active",
    agent_age=900.0,
    status="up",
)
STANDBY = replace(GOOD, name=B, state="EngineDown", claims=False, serves=False)
WHOLE = Facts((GOOD, STANDBY), False)
RUNS = Beside(broker="active", detail="")


NOBODY = Owned()


def found(facts: Facts, beside: Beside = RUNS, owned: Owned = NOBODY):
    return left(facts, {A: RUNS, B: beside}, owned)


def standby(**seen) -> Facts:
    return replace(WHOLE, hosts=(GOOD, replace(STANDBY, **seen)))


def test_a_whole_pair_leaves_nothing():
    assert found(WHOLE) == ()
    assert left(WHOLE, {}, Owned()) == ()
    assert left(Facts((), False), {}, Owned()) == ()


CASES = [
    (replace(WHOLE, global_on=True), RUNS, "global", "", "on kvm02: hosted-engine --set-maintenance --mode=none"),
    (standby(flag_local=True, flag_manual=True, published=True, state="LocalMaintenance", score=0), RUNS, "local", B,
     "on kvm02: hosted-engine --set-maintenance --mode=none"),
    (standby(flag_manual=True, published=True, state="LocalMaintenance", score=0), RUNS, "local", B, "--mode=none"),
    (standby(status="maintenance", flag_local=True), RUNS, "held", B, "activate the host kvm02"),
    (standby(flag_local=None), RUNS, "flags", B, "cat /var/lib/ovirt-hosted-engine-ha/ha.conf"),
    (standby(agent="inactive", live=False), RUNS, "unit", B, "systemctl enable --now ovirt-ha-agent"),
    (WHOLE, Beside(broker="failed"), "unit", B, "systemctl enable --now ovirt-ha-broker"),
    (standby(live=False, score=None, state=""), RUNS, "stale", B, "systemctl restart ovirt-ha-agent"),
    (standby(score=0, state="EngineUnexpectedlyDown"), Beside(broker="active", zero_for=601.0), "score", B,
     "agent.log"),
    (standby(score=0, state=""), RUNS, "score", B, "agent.log"),
    (WHOLE, Beside(broker="active", detail="Paused"), "paused", B, "hosted-engine --vm-poweroff"),
    (WHOLE, Beside(broker="active", detail="Down"), "record", B, "vdsm-client VM destroy"),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "beside", "what", "host", "command"), CASES)
def test_a_leftover_is_named_with_its_command(facts, beside, what, host, command):
    (one,) = found(facts, beside)
    assert (one.what, one.host, command in one.command) == (what, host, True), one
    assert one.sentence.endswith(".")


def test_the_penalty_of_a_restart_is_not_left_behind_for_ten_minutes():
    assert found(standby(score=0, state="EngineUnexpectedlyDown"), Beside(broker="active", zero_for=599.0)) == ()


def test_what_the_open_window_set_is_its_own():
    assert found(replace(WHOLE, global_on=True), owned=Owned("global")) == ()
    local = standby(flag_local=True, flag_manual=True, published=True, state="LocalMaintenance", score=0)
    assert found(local, owned=Owned("local", B)) == ()
    assert [one.what for one in found(local, owned=Owned("local", A))] == ["local"]
    assert [one.what for one in found(replace(WHOLE, global_on=True), owned=Owned("local", B))] == ["global"]


def test_both_hosts_in_local_maintenance_come_first():
    flags = {"flag_local": True, "flag_manual": False}
    both = replace(WHOLE, hosts=(replace(GOOD, **flags), replace(STANDBY, **flags)))
    assert [one.what for one in found(both)] == ["both", "local", "local"]


def test_a_flag_that_vm_status_does_not_show_is_said_to_be_hidden():
    (one,) = found(standby(flag_local=True, flag_manual=True, published=False, live=False))
    assert "vm-status does not show it" in one.sentence
    (one,) = found(standby(flag_manual=True, published=True))
    assert "the manual flag alone" in one.sentence


def test_without_a_running_agent_no_host_is_named():
    nobody = replace(WHOLE, global_on=True, hosts=tuple(replace(one, agent="inactive") for one in WHOLE.hosts))
    (first,) = [one for one in found(nobody) if one.what == "global"]
    assert first.command.startswith("on a host whose agent runs")
