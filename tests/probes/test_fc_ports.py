"""The Fibre Channel ports of a host: growth of errors, speeds, targets, spellings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.probes import fc_ports
from inventory.probes.fc_ports import COMMANDS, MOST_GROWTHS, judge, numbers, parse
from inventory.probes.reading.sysfs import gbit, links, pci_card, read_ports, values
from portal.kernel import facts as stored
from portal.kernel.output import Output
from portal.kernel.probe import Declared, DeclaredPath
from tests.samples_dir import cases

A, B = "100000109b3c1a01", "100000109b3c1a02"
T = ("20006cc64a610001", "20016cc64a610001")
NOW = 1_795_000_000.0
TEXT = cases("fc_ports")["two_cards"].output("sysfs").text()


def carry(now, before, at):
    return fc_ports.carry(now, stored.dump(before), at)


def facts(text: str = TEXT):
    return parse({"sysfs": Output(text.encode(), b"", 0)})


def count(text: str, host: str, counter: str, value: int) -> str:
    base = f"/sys/class/fc_host/{host}/statistics/{counter}:"
    return "\n".join(f"{base}{value:#x}" if line.startswith(base) else line for line in text.splitlines())


def said(seen, paths=None):
    declared = Declared("kvm01", checked_at=NOW, paths=paths)
    return {one.check: (str(one.outcome), one.sentence) for one in judge(seen, declared)}


def declared(hba: str = A, target: str = T[0]):
    return {"36a35": (DeclaredPath(f"0x{hba.upper()}", target),)}


def test_a_port_is_read_whole():
    port = facts().ports[0]
    assert (port.host, port.wwpn, port.wwnn, port.fabric) == ("host1", A, "200000109b3c1a01", "100050eb1a000001")
    assert (port.state, port.gbit, port.most_gbit, port.port_id) == ("Online", 32.0, 32.0, "010a00")
    assert (port.model, port.firmware, port.card) == ("LPe35002-M2", "14.0.505.11", "0000:3b:00")
    assert {one.name: one.value for one in port.counters}["error_frames"] is None, "all ones: not supported"
    remote = facts().remote[0]
    assert (remote.name, remote.host, remote.wwpn, remote.target) == ("rport-1:0-0", "host1", "20006cc64a610001", 0)
    assert (remote.fast_io_fail, remote.dev_loss, remote.roles) == ("5", "80", "FCP Target")


def test_the_first_look_tells_no_errors():
    assert "errors" not in said(facts())


def test_growth_is_told_for_an_hour_with_its_counter():
    first = carry(facts(), facts(), NOW - 120)
    assert said(first)["errors"] == ("ok", "No error counter of 2 FC ports of kvm01 grew in the last hour.")
    grown = facts(count(count(TEXT, "host1", "invalid_crc_count", 7), "host2", "link_failure_count", 1))
    second = carry(grown, first, NOW - 60)
    outcome, words = said(second)["errors"]
    assert outcome == "warn"
    assert words == (
        f"invalid_crc_count of {A} on kvm01 grew by 7 in the last hour and 1 other counters grew, first 1 min ago: "
        "see its cable, SFP and switch port."
    )
    third = carry(grown, second, NOW)
    assert said(third)["errors"][0] == "warn", "it stays while it is remembered"
    later = carry(grown, third, NOW + 3600)
    assert said(replace(later))["errors"][0] == "ok"
    assert (
        "other counters"
        not in said(carry(facts(count(TEXT, "host1", "invalid_crc_count", 2)), first, NOW))["errors"][1]
    )


def test_a_driver_that_counts_nothing_says_so():
    seen = facts(cases("fc_ports")["software_fc"].output("sysfs").text())
    assert said(carry(seen, seen, NOW))["errors"][0] == "unknown"


def test_a_reset_and_a_boot_are_no_growth():
    much = facts(count(TEXT, "host1", "loss_of_sync_count", 500))
    assert carry(facts(), much, NOW).growths == ()
    booted = replace(much, boot_id="other")
    assert carry(booted, facts(), NOW).growths == ()
    assert carry(booted, facts(), NOW).compared


def test_a_counter_that_appears_or_is_not_supported_is_no_growth():
    without = facts("\n".join(line for line in TEXT.splitlines() if "invalid_crc_count" not in line))
    assert carry(facts(count(TEXT, "host1", "invalid_crc_count", 9)), without, NOW).growths == ()
    assert carry(without, facts(), NOW).growths == ()


def test_growths_are_bounded():
    seen = carry(facts(), facts(), NOW)
    for number in range(1, MOST_GROWTHS + 20):
        seen = carry(facts(count(TEXT, "host1", "error_frames", number)), seen, NOW + number)
    assert len(seen.growths) == MOST_GROWTHS


def test_a_port_below_its_own_best_speed_is_told():
    slow = facts(TEXT.replace("host1/speed:32 Gbit", "host1/speed:16 Gbit"))
    outcome, words = said(carry(slow, facts(), NOW))["speed"]
    assert (outcome, "runs at 16 Gbit, 32 Gbit it had before" in words) == ("warn", True)
    assert said(slow)["speed"][0] == "warn", "its ports differ"
    kept = carry(slow, carry(slow, facts(), NOW - 60), NOW)
    assert said(kept)["speed"][0] == "warn", "the best speed is remembered"


def at_speed(seen, **wanted):
    ports = {A: wanted.get("a"), B: wanted.get("b")}
    told = Declared("kvm01", checked_at=NOW, ports={wwpn: gbit for wwpn, gbit in ports.items() if gbit})
    return {one.check: (str(one.outcome), one.sentence) for one in judge(seen, told)}["speed"]


def test_a_port_is_held_to_its_declared_speed():
    assert at_speed(facts(), a=32.0, b=32.0) == (
        "ok",
        "All 2 FC ports of kvm01 run at the speed that is declared, or faster.",
    )
    assert at_speed(facts(), a=16.0, b=16.0)[0] == "ok", "faster is no fault"
    outcome, words = at_speed(facts(), a=64.0, b=32.0)
    assert (outcome, words) == (
        "warn",
        f"{A} (host1) of kvm01 runs at 32 Gbit, 64 Gbit is declared: see its SFP, cable and switch port.",
    )
    assert "and 1 more are slow" in at_speed(facts(), a=64.0, b=64.0)[1]
    differ = facts(TEXT.replace("host1/speed:32 Gbit", "host1/speed:16 Gbit"))
    assert at_speed(differ, a=16.0, b=32.0)[0] == "ok", "ports may differ as they are declared"
    assert at_speed(carry(differ, facts(), NOW), a=16.0, b=32.0)[0] == "ok", "what is declared goes before what was"
    assert at_speed(differ, a=16.0)[0] == "warn", "who is not declared is compared with the others"
    mute = facts(TEXT.replace("host2/speed:32 Gbit", "host2/speed:Unknown"))
    assert at_speed(mute, a=32.0, b=32.0)[0] == "unknown"


def test_growth_is_counted_once_and_a_look_without_says_that_it_counted():
    assert numbers(facts()) == {}
    first = carry(facts(), facts(), NOW)
    assert numbers(first) == {"fc_counted": 2.0}
    grown = facts(count(count(TEXT, "host1", "invalid_crc_count", 7), "host2", "link_failure_count", 1))
    second = carry(grown, first, NOW + 60)
    assert numbers(second) == {
        "fc_counted": 2.0,
        f"invalid_crc_count:{A}": 7.0,
        f"link_failure_count:{B}": 1.0,
    }
    assert numbers(carry(grown, second, NOW + 120)) == {"fc_counted": 2.0}
    assert all(len(name) <= 60 for name in numbers(second)), "a roll-up's series"


def test_ports_that_could_do_more_say_so_and_mute_ones_are_unknown():
    both = facts(TEXT.replace("speed:32 Gbit", "speed:16 Gbit"))
    assert said(both)["speed"] == ("ok", "2 FC ports of kvm01 run at 16 Gbit of 32 that they can.")
    mute = facts(TEXT.replace("host2/speed:32 Gbit", "host2/speed:Unknown"))
    assert said(mute)["speed"] == ("unknown", f"The speed of {B} (host2) of kvm01 is not known.")
    down = facts(TEXT.replace("port_state:Online", "port_state:Linkdown").replace("speed:32 Gbit", "speed:Unknown"))
    assert said(down)["speed"][0] == "unknown"


def test_a_declared_target_that_is_blocked_or_gone_is_a_failure():
    blocked = facts(TEXT.replace("rport-1:0-0/port_state:Online", "rport-1:0-0/port_state:Not Present"))
    assert said(blocked)["targets"][0] == "warn"
    outcome, words = said(blocked, declared(target="20:00:6c:c6:4a:61:00:01"))["targets"]
    assert (outcome, "is Not Present on host1 of kvm01" in words) == ("fail", True)
    two = facts(
        TEXT.replace("rport-1:0-1/port_state:Online", "rport-1:0-1/port_state:").replace(
            "rport-2:0-0/port_state:Online", "rport-2:0-0/port_state:Blocked"
        )
    )
    assert "and 1 more" in said(two)["targets"][1]
    assert said(facts(), declared(target="2fff6cc64a610001"))["targets"][0] == "fail"
    assert said(facts(), declared())["targets"][0] == "ok"


def test_a_port_that_nothing_answers_is_told():
    lonely = facts(
        "\n".join(
            line
            for line in TEXT.splitlines()
            if "FCP Target" not in line and "target_id:0" not in line and "target_id:1" not in line
        )
    )
    assert said(lonely)["targets"][0] == "warn"
    assert said(lonely)["timeouts"][0] == "unknown"
    assert said(facts(TEXT.replace("dev_loss_tmo:80", "dev_loss_tmo:")))["timeouts"][1].endswith(
        "5 s and ? s (fast_io_fail and dev_loss)."
    )


def test_no_port_where_some_are_declared_is_a_failure():
    none = facts(TEXT.splitlines()[0])
    assert said(none, declared())["cards"][0] == "fail"
    assert said(none)["cards"][0] == "unknown"
    assert set(said(none)) == {"cards"}


def test_a_port_alone_says_so():
    one = facts("\n".join(line for line in TEXT.splitlines() if "host2" not in line and "rport-2" not in line))
    assert said(one)["cards"][1].startswith("1 FC port of kvm01 on one card (0000:3b:00)")


@pytest.mark.parametrize(
    ("link", "card"),
    [
        ("../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.1/host2/fc_host/host2", "0000:3b:00"),
        ("../../devices/pci0000:00/0000:00:03.0/host1/fc_host/host1", "0000:00:03"),
        ("../../devices/pci10000:00/10000:00:02.0/10000:01:00.0/host9/fc_host/host9", "10000:01:00"),
        (
            "../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/0000:3c:08.0/0000:3d:00.1/host4/fc_host/host4",
            "0000:3b:00",
        ),
        (
            "../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/0000:3c:10.0/0000:3e:00.0/host5/fc_host/host5",
            "0000:3b:00",
        ),
        ("../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/host1/vport-1:0-0/host7/fc_host/host7", "0000:3b:00"),
        ("../../devices/virtual/net/a0/host3/fc_host/host3", ""),
        ("", ""),
    ],
)
def test_the_card_is_what_sits_in_the_slot_whatever_bridges_it_has(link, card):
    assert pci_card(link) == card


def test_spellings():
    assert gbit("8 Gbit, 16 Gbit, 32 Gbit") == 32.0
    assert gbit("Not Negotiated") is None
    assert [*values("/sys/class/fc_host/host1/port_name:a:b\nnoise", r"/sys/class/fc_host/(host\d+)/([a-z_]+)")] == [
        ("host1", "port_name", "a:b")
    ]
    assert links("/a = ../b\nnoise\n") == {"/a": "../b"}
    eaten = read_ports(TEXT.replace("0x100000109b3c1a01", "0x0000109b3c1a0100"))
    assert eaten[0].wwpn == "0000109b3c1a0100"
    assert read_ports("/sys/class/fc_host/host7/port_state:Online\n") == ()


def test_one_process_reads_whatever_the_number_of_ports():
    """grep, find and the shell that starts them."""
    script = COMMANDS["sysfs"].argv[2]
    assert script.count("grep") == script.count("find ") == 1
    assert "xargs" not in script


def test_congestion_that_the_fabric_reports_is_no_bad_cable():
    """Only newer kernels count it (facts/luns-and-tuning.md 2.1)."""
    path = "/sys/class/fc_host/host1/statistics/fpin_cn"
    first = carry(facts(f"{TEXT}{path}:0x2\n"), facts(f"{TEXT}{path}:0x2\n"), NOW - 120)
    second = carry(facts(f"{TEXT}{path}:0x5\n"), first, NOW - 60)
    outcome, words = said(second)["errors"]
    assert outcome == "warn"
    assert words.startswith(f"fpin_cn of {A} on kvm01 grew by 3 in the last hour")
    assert words.endswith("a device that takes frames too slowly holds up the fabric, look for its load.")
    older = next(one for one in facts().ports[0].counters if one.name == "fpin_cn")
    assert older.value is None
