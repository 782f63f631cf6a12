"""What differs between before and after, and whether the drill was meant to do that."""

from __future__ import annotations

import copy

from failover.verdicts import fingerprint

BEFORE = {
    "global_maintenance": False,
    "engine_on": "kvm01",
    "hosts": {
        name: {"pk": pk, "status": "up", "local_flags": False, "boot": f"b{pk}", "paths": "8 of 8 good, 2 LUNs"}
        for name, pk in (("kvm01", 7), ("kvm02", 8))
    },
    "vms": {
        "HostedEngine": {"status": "up", "host": "kvm01", "engine": True, "luns": []},
        "ora1": {"status": "up", "host": "kvm01", "engine": False, "luns": ["3600a", "3600b"]},
    },
}


def after(**changed):
    made = copy.deepcopy(BEFORE)
    for path, value in changed.items():
        where, *rest = path.split("__")
        node = made if not rest else made[where]
        for key in rest[:-1]:
            node = node[key]
        node[rest[-1] if rest else where] = value
    return made


def said(now, plan="she_failover", host="kvm01"):
    found = fingerprint.changes(BEFORE, now, fingerprint.expected_of(plan, host))
    return [(one.sentence, one.expected) for one in found]


def test_nothing_has_changed():
    assert said(after()) == []


def test_a_planted_change_is_found():
    assert said(after(vms__ora1__luns=["3600a"])) == [("The LUNs of VM ora1 was 3600a, 3600b, and is 3600a.", False)]
    assert said(after(vms__ora1__luns=[]))[0][0].endswith("is none.")
    assert said(after(vms__ora1__status="down")) == [("VM ora1 was up, and is down.", False)]
    assert said(after(global_maintenance=True)) == [("Global maintenance was off, and is on.", False)]
    assert said(after(global_maintenance=None))[0][0].endswith("is not known.")
    assert said(after(hosts__kvm02__local_flags=True)) == [("Local maintenance of kvm02 was off, and is on.", False)]
    assert said(after(hosts__kvm02__paths="4 of 8 good, 2 LUNs"))[0][1] is False
    assert said(after(hosts__kvm02__status=""))[0][0] == "The status of kvm02 was up, and is not known."


def test_what_comes_and_goes():
    less = after()
    del less["vms"]["ora1"], less["hosts"]["kvm02"]
    assert said(less) == [("Host kvm02 was there, and is absent.", False), ("VM ora1 was there, and is absent.", False)]
    more = after()
    more["vms"]["new"] = BEFORE["vms"]["ora1"]
    more["hosts"]["kvm03"] = BEFORE["hosts"]["kvm02"]
    assert said(more) == [("Host kvm03 was absent, and is there.", False), ("VM new was absent, and is there.", False)]


def test_the_engine_may_move_in_a_failover_and_not_when_an_agent_stops():
    moved = after(vms__HostedEngine__host="kvm02")
    assert said(moved) == [("The host of VM HostedEngine was kvm01, and is kvm02.", True)]
    assert said(moved, "she_agent_stop") == [("The host of VM HostedEngine was kvm01, and is kvm02.", False)]


def test_a_power_loss_reboots_its_host_and_moves_what_ran_there():
    now = after(hosts__kvm01__boot="b9", vms__ora1__host="kvm02", hosts__kvm02__boot="b10")
    assert said(now, "host_power_loss") == [
        ("The boot of kvm02 was b8, and is b10.", False),
        ("The boot of kvm01 was b7, and is b9.", True),
        ("The host of VM ora1 was kvm01, and is kvm02.", True),
    ]
    assert [expected for _, expected in said(now)] == [False, False, False]
