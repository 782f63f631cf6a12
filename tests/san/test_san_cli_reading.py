"""Fabric OS command output as shapes: the samples, tabs or blanks, banners, and texts that stand for an error."""

from __future__ import annotations

import pytest

from portal.connectors.san.reading import cli_counters, cli_names, cli_switch, cli_zoning
from portal.connectors.san.reading.cli_join import Told, joined, port_wwn
from portal.connectors.san.reading.cli_text import lines, nothing, number
from portal.connectors.san.reading.crosscheck import differences
from portal.connectors.san.reading.leaves import Unreadable
from portal.kernel.san import Login, Zone
from tests.fixtures_san_devices import raw
from tests.san.rest_seen import rest_seen


def sample(name):
    return lines(raw(f"brocade-cli/{name}.txt"))


def cli_seen(side="A"):
    logins = sample("nsshow-t_A") if side == "A" else ["There is no entry in the Local Name Server"]
    told = Told(
        "SW",
        shown=cli_switch.switchshow(sample(f"switchshow_{side}")),
        firmware="v8.2.3c1",
        zoning=cli_zoning.cfgshow(sample(f"cfgshow_{side}")),
        transaction=cli_zoning.cfgtransshow(sample("cfgtransshow_none")),
        local=cli_names.logins(logins),
        remote=cli_names.logins(sample("nscamshow_empty")),
        counters=cli_counters.porterrshow(sample("porterrshow_A")),
        log=cli_counters.errdump(sample("errdump")),
    )
    return joined(told, {})


def test_the_samples_switchshow_reads():
    shown = cli_switch.switchshow(sample("switchshow_A"))
    assert (shown.wwn, shown.name, shown.domain, shown.model) == ("1000c4f57c01a000", "SWA1", 1, "170.5")
    assert (shown.state, shown.principal, shown.cfg, shown.unconfirmed) == ("online", True, "CFG_FAB_A", False)
    assert len(shown.ports) == 24
    first, dark, bare = shown.ports[0], shown.ports[2], shown.ports[8]
    assert (first.kind, first.gbit, first.neighbors, first.enabled) == ("F", 32.0, ("100000109ba10100",), True)
    assert (dark.state, dark.kind, dark.gbit, dark.enabled, dark.neighbors) == ("no_light", "", None, True, ())
    assert (bare.state, bare.enabled, bare.licensed) == ("no_module", False, False)


TAIL = """switchName: S
switchState: Online
switchRole: Subordinate
switchDomain: 11 (unconfirmed)
switchWwn: 10:00:c4:f5:7c:02:a0:00
zoning: OFF
Index Slot Port Address Media Speed State Proto
===============================================
 0 1 0 0b0000 id N32 Online FC F-Port 1 N Port + 10 NPIV public
22 1 22 0b1600 id N32 Online FC E-Port 10:00:c4:f5:7c:01:a0:00 "SWA1" (upstream)(Trunk master)
23 1 23 0b1700 id 32G Online FC E-Port (Trunk port, master is Slot 1 Port 22 )
24 1 24 0b1800 id AN No_Sync FC Disabled (Persistent)
25 1 25 0b1900 id AN Online FC E-Port segmented,(zone conflict)
26 1 26 0b1a00 id AN No_Light FC Disabled (Switch not ready for F or L ports)
27 1 27 0b1b00 -- AN No_Module FC (POD License Not Assigned Yet) Disabled
28 1 28 0b1c00 id 16G Online FC E-Port segmented
   ge0 id 1G Online FCIP
29 1 29 0b1d00 id
"""


def test_the_other_tails_of_switchshow():
    shown = cli_switch.switchshow(lines(TAIL.encode()))
    ports = {port.number: port for port in shown.ports}
    assert sorted(ports) == [0, 22, 23, 24, 25, 26, 27, 28]
    assert (shown.domain, shown.unconfirmed, shown.principal, shown.cfg) == (None, True, False, "")
    assert (ports[0].kind, ports[0].neighbors) == ("F", ())
    assert (ports[22].kind, ports[22].neighbors, ports[22].gbit) == ("E", ("1000c4f57c01a000",), 32.0)
    assert (ports[23].kind, ports[23].gbit) == ("E", 32.0)
    assert (ports[24].enabled, ports[24].persistent_disable, ports[24].why_disabled) == (False, True, "Persistent")
    assert (ports[25].why_segmented, ports[25].gbit) == ("zone conflict", None)
    assert ports[26].why_disabled == "Switch not ready for F or L ports"
    assert ports[26].persistent_disable is False
    assert (ports[27].licensed, ports[28].why_segmented) == (False, "segmented")


def test_a_banner_of_virtual_fabrics_is_no_output():
    banner = b'-----------------------------------\n"switchshow" on FID 128:\n-----------------------------------\n'
    plain = raw("brocade-cli/switchshow_A.txt")
    assert lines(banner + plain) == lines(plain)
    assert lines(b'"x" on FID 5:\n' + plain) == lines(plain)
    assert lines(b"\x1b[1m" + plain.replace(b"\n", b"\r\n")) == lines(plain)


@pytest.mark.parametrize(
    "said",
    [
        "rbash: nsshow: command not found",
        "bash: x: y",
        "Invalid option",
        "You do not have permission to execute this command.",
        "RBAC permission denied.",
        "Usage: nsshow [-t]",
        "Error: no",
        "Fabos not initialized",
    ],
)
def test_errors_with_exit_code_0_are_errors(said):
    with pytest.raises(Unreadable, match=said.split()[0].strip(":.")):
        lines(said.encode() + b"\n")


def test_words_of_an_error_further_down_are_somebodys_name():
    assert len(lines(b"a\n" * 8 + b"invalid_alias\n")) == 9
    assert not nothing(["x"])


def test_isl_and_trunks():
    links = cli_switch.islshow(sample("islshow_A_isl-variant"))
    assert links == {22: cli_switch.Link(22, 22, "1000c4f57c02a000", 32.0)}
    assert cli_switch.islshow(sample("islshow_none")) == {}
    assert cli_switch.islshow([]) == {}
    trunk = [
        "  1: 22-> 22 10:00:c4:f5:7c:02:a0:00 11 deskew 15 MASTER",
        "     23->23 10:00:c4:f5:7c:02:a0:00 11 deskew 16",
    ]
    peer = "1000c4f57c02a000"
    assert cli_switch.trunkshow(trunk) == {
        22: cli_switch.Link(22, 22, peer, None, 1),
        23: cli_switch.Link(23, 23, peer, None, 1),
    }
    assert cli_switch.trunkshow(sample("trunkshow_none")) == {}
    assert cli_switch.islshow(["  1: 22->22 10:00:c4:f5:7c:02:a0:00 11 S"])[22].gbit is None
    for reader in (cli_switch.islshow, cli_switch.trunkshow):
        with pytest.raises(Unreadable):
            reader(["  1: 22-> 22 nobody", "something else"])


def test_fabricshow():
    first, second = cli_switch.fabricshow(sample("fabricshow_A_isl-variant"))
    assert (first.wwn, first.domain, first.name, first.address, first.principal) == (
        "1000c4f57c01a000",
        1,
        "SWA1",
        "192.0.2.11",
        True,
    )
    assert (second.domain, second.name, second.principal) == (11, "SWA2", False)
    bare = cli_switch.fabricshow(["  1: fffc01 10:00:c4:f5:7c:01:a0:00"])
    assert (bare[0].name, bare[0].address) == ("", "")
    for wrong in ([], ['  1: fffc01 10:00:c4:f5:7c:01:a0:00 1.1.1.1 0 >"S"', "The Fabric has 2 switches"]):
        with pytest.raises(Unreadable):
            cli_switch.fabricshow(wrong)


def test_nsshow_and_nscamshow():
    logins = cli_names.logins(sample("nsshow-t_A"))
    assert [one.wwpn for one in logins] == [one.wwpn for one in rest_seen("A").logins]
    assert [one.fabric_port for one in logins] == [one.fabric_port for one in rest_seen("A").logins]
    assert logins[0].node_symbol.startswith('[72] "Emulex LPe32002')
    assert cli_names.logins(sample("nscamshow_empty")) == ()
    remote = """nscam show for remote switches:
Switch entry for 11
  state  rev    owner  cap_available
  known  v823  0xfffc01 1
  Device list: count 1
    Type Pid    COS     PortName                NodeName
    N    0b0600;      3;20:08:34:00:a3:0d:00:02;21:00:34:00:a3:0d:00:02;
        FC4s: FCP
        Fabric Port Name: 20:06:c4:f5:7c:02:a0:00
        Device type: Physical Target
"""
    (one,) = cli_names.logins(lines(remote.encode()))
    assert (one.wwpn, one.fcid, one.device, one.fabric_port) == (
        "20083400a30d0002",
        "0b0600",
        "target",
        "2006c4f57c02a000",
    )


def test_a_name_server_that_breaks_off_is_not_taken_for_whole():
    whole = sample("nsshow-t_A")
    at = whole.index(next(line for line in whole if "010700" in line))
    with pytest.raises(Unreadable, match="5 entries"):
        cli_names.logins([*whole[:at], whole[-1]])
    with pytest.raises(Unreadable):
        cli_names.logins([])


@pytest.mark.parametrize("side", ["A", "B"])
def test_cfgshow_reads_the_same_from_tabs_blanks_and_no_blank(side):
    tabbed = cli_zoning.cfgshow(sample(f"cfgshow_{side}"))
    assert tabbed == cli_zoning.cfgshow(sample(f"cfgshow_{side}_tabs-expanded"))
    tight = [line.replace("zone:\t", "zone:").replace("cfg:\t", "cfg:") for line in sample(f"cfgshow_{side}")]
    assert tabbed == cli_zoning.cfgshow(tight)
    now = cli_zoning.cfgshow(sample(f"cfgactvshow_{side}"))
    assert (now.cfg_effective, now.effective) == (tabbed.cfg_effective, tabbed.effective)
    assert len(tabbed.effective) == len(tabbed.defined) == 4
    assert len(tabbed.aliases) == 6
    assert len(tabbed.cfgs[f"CFG_FAB_{side}"]) == 4


def test_cfgshow_without_a_configuration():
    none = b"Defined configuration:\n no configuration defined\n\nEffective configuration:\n"
    told = cli_zoning.cfgshow(lines(none + b" No Effective configuration: (All Access)\n"))
    assert (told.cfg_effective, told.effective, told.all_access, told.cfgs) == ("", (), True, {})
    closed = cli_zoning.cfgshow(lines(b"Effective configuration:\n no configuration in effect (No Access)\n"))
    assert closed.all_access is False
    assert cli_zoning.cfgshow(lines(b"Effective configuration:\n no configuration in effect\n")).all_access is None
    odd = cli_zoning.cfgshow(
        lines(b"Defined configuration:\n zone:\n lost\n qloop: q x\n y\nEffective configuration:\n")
    )
    assert (odd.defined, odd.cfg_effective) == ((), "")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"Defined configuration:\n cfg: C z\n zone: z a; b\n",
        b"Defined configuration:\n cfg: C z\nEffective configuration:\n",
        b"Effective configuration:\n zone: z a\n",
    ],
)
def test_a_cfgshow_that_breaks_off_is_not_taken_for_no_zoning(text):
    with pytest.raises(Unreadable):
        cli_zoning.cfgshow(lines(text))


def test_peer_zones_of_cfgshow():
    text = b"""Effective configuration:
 cfg: C
 zone: byte 00:02:00:00:00:02:00:01; 20:08:34:00:a3:0d:00:01
        10:00:00:10:9b:a1:01:00
 zone: labels
        Property Member: 00:02:00:00:00:03:00:01
        Created by: Target
        Principal Member(s):
            20:08:34:00:a3:0d:00:01
        Peer Member(s):
            10:00:00:10:9b:a1:01:00
 zone: short
        Property Member: 00:02:00:00:00:02:00:02
        Principal Member(s): 1,4; target_alias
 zone: other
        Property Member: 00:02:00:00:00:03:00:01
        Principal Member(s):
            20:08:34:00:a3:0d:00:01
        Member(s):
            10:00:00:10:9b:a1:01:00
 zone: ports 1,11; 2,12
"""
    byte, labels, short, other, ports = cli_zoning.cfgshow(lines(text)).effective
    expected = ("20083400a30d0001", "100000109ba10100")
    assert byte == Zone("byte", expected, "peer", expected[:1])
    assert labels == Zone("labels", expected, "target_peer", expected[:1])
    assert (short.kind, short.principals) == ("peer", ("1,4", "target_alias"))
    assert other == Zone("other", expected, "peer", expected[:1])
    assert ports == Zone("ports", ("1,11", "2,12"))


def test_transactions_and_version():
    assert cli_zoning.cfgtransshow(sample("cfgtransshow_none")) is False
    assert cli_zoning.cfgtransshow(sample("cfgtransshow_open")) is True
    assert cli_switch.version(lines(b"Kernel:     2.6\nFabric OS:  v8.2.3c1\nMade on:  x\n")) == "v8.2.3c1"
    for reader in (cli_zoning.cfgtransshow, cli_switch.version, cli_switch.switchshow):
        with pytest.raises(Unreadable):
            reader(["what"])
    with pytest.raises(Unreadable, match="no port"):
        cli_switch.switchshow(["switchWwn: 10:00:c4:f5:7c:01:a0:00", "Index Port Media Speed State Proto"])
    with pytest.raises(Unreadable, match="no port"):
        cli_switch.switchshow(["switchWwn: 10:00:c4:f5:7c:01:a0:00"])


def test_porterrshow_leaves_out_what_is_rounded():
    ports = cli_counters.porterrshow(sample("porterrshow_A"))
    assert sorted(ports) == [0, 1]
    assert "in-frames" not in ports[0]
    assert (ports[0]["class-3-discards"], ports[0]["crc-errors"], ports[0]["pcs-block-errors"]) == (6, 0, 0)
    assert "fec-uncorrected" not in ports[0]
    nine = cli_counters.porterrshow([" 3: " + " ".join(str(n) for n in range(20))])
    assert (nine[3]["out-frames"], nine[3]["loss-of-sync"], nine[3]["class3-out-discards"]) == (0, 11, 15)
    assert nine[3]["fec-uncorrected"] == 18
    with pytest.raises(Unreadable):
        cli_counters.porterrshow(["no line of a port", " 5: 1 2 3"])


def test_portstatsshow_counts_octets_in_words_of_four_bytes():
    text = b"stat_wtx\t100\t4-byte words\nstat_frx 7 Frames\ner_crc 1 x\ner_zone_miss 4 x\ntim_txcrd_z 9\nlonely\n"
    assert cli_counters.portstatsshow(lines(text)) == {
        "out-octets": 400,
        "in-frames": 7,
        "crc-errors": 1,
        "bb-credit-zero": 9,
    }
    with pytest.raises(Unreadable):
        cli_counters.portstatsshow(["er_crc many"])


def test_sfpshow():
    text = b"""=============
Port  0:
=============
Identifier:  3    SFP
Vendor PN:   SFP28-32G85-SW
Serial No:   EX000100
Temperature: 33      Centigrade
RX Power:    -2.6    dBm (551.8uW)
TX Power:    0.5     dBm
Slot  1/Port  1:
No SFP installed
Port 2: Media not installed
Port 3:
"""
    (optic,) = cli_counters.sfpshow(lines(text))
    assert (optic.number, optic.rx_dbm, optic.tx_dbm, optic.celsius) == (0, -2.6, 0.5, 33.0)
    assert (optic.part, optic.serial) == ("SFP28-32G85-SW", "EX000100")
    assert (optic.rx_low_alarm, optic.rx_low_warning) == (None, None)
    with pytest.raises(Unreadable):
        cli_counters.sfpshow(["Identifier: 3"])


@pytest.mark.parametrize(
    ("line", "rx", "alarm", "warning"),
    [
        ("RX Power:    -2.3    dBm (582.9uW)   10.0   uW  1258.9 uW  15.8   uW   1000.0 uW", -2.3, -20.0, -18.0),
        ("Rx Power:    -2.4    dBm (575.1 uW)     -13.9      0.0         -12.0     -1.0", -2.4, -13.9, -12.0),
        ("RX Power:    -30.0   dBm (1.0   uW) 0.0    uW   6550.0 uW  49.0   uW   1100.0 uW", -30.0, None, -13.1),
        ("RX Power:    -inf    dBm (0.0 uW)", None, None, None),
    ],
)
def test_the_limits_of_an_optic(line, rx, alarm, warning):
    (optic,) = cli_counters.sfpshow(["Port  3:", line])
    assert (optic.number, optic.rx_dbm, optic.rx_low_alarm, optic.rx_low_warning) == (3, rx, alarm, warning)


def test_other_forms_that_switches_print():
    """A blank line in a zone, an upper-case WWN, a banner between rules, arrows without blanks, an access gateway."""
    zoning = cli_zoning.cfgshow(
        lines(
            b"Defined configuration:\n cfg:   C\n\t\t\t\tz1;z2\n zone:  z1\n\t\n\t\t\t\ta1;\n\t\t\t\ta2; a3\n"
            b" zone:\tz2\t\n\t\ta1;a4 \n alias:\ta1\t20:08:34:00:A3:0D:00:01 \n\nEffective configuration:\n cfg:\tC\t\n"
            b" zone:\tz2\t\n\t\t20:08:34:00:A3:0D:00:01\n"
        )
    )
    assert (zoning.cfgs, zoning.aliases) == ({"C": ("z1", "z2")}, {"a1": ("20083400a30d0001",)})
    assert [(zone.name, zone.members) for zone in zoning.defined] == [("z1", ("a1", "a2", "a3")), ("z2", ("a1", "a4"))]
    assert zoning.effective == (Zone("z2", ("20083400a30d0001",)),)
    banner = b'\n-----------------------\n\n"islshow" on FID 128:\n\n'
    isl = b" 38:217->176 10:00:c4:f5:7c:09:a0:00  24 SWA9-U25-I sp:  8.000G bw:  8.000G\n"
    assert cli_switch.islshow(lines(banner + isl)) == {217: cli_switch.Link(217, 176, "1000c4f57c09a000", 8.0)}
    gateway = cli_switch.switchshow(
        lines(
            b"switchName:\tAG\nswitchState:\tOnline\nswitchMode:\tAccess Gateway Mode\n"
            b"switchWwn:\t10:00:c4:f5:7c:08:a0:02\n"
            b"Index Port Address  Media Speed   State       Proto\n=====\n"
            b"   1   1   530100   cu    N8\t  Online      FC  F-Port  10:00:00:10:9b:a1:09:00 0x023102\n"
            b"  17  17   ------   id    N8       Online      FC  N-Port  10:00:c4:f5:7c:01:a0:00 0x023100\n"
        )
    )
    assert [(port.number, port.kind, port.neighbors) for port in gateway.ports] == [
        (1, "F", ("100000109ba10900",)),
        (17, "N", ("1000c4f57c01a000",)),
    ]
    assert (gateway.domain, gateway.principal, gateway.cfg) == (None, None, "")


def test_errdump():
    first, second = cli_counters.errdump(sample("errdump"))
    assert first[:3] == ("2026/11/22-09:10:11", "ZONE-1022", "info")
    assert second == (
        "2026/11/22-09:12:40",
        "ZONE-1062",
        "warning",
        "Defined and Effective zone configurations are inconsistent.",
    )
    text = (
        b"2026/11/22-09:12:40 (GMT), [C2-5021], 9, CHASSIS | PORT 0/24, FFDC | x, ERROR, SWA1, S0, P2: a, b\n"
        b"noise\n2026/11/22-09:12:41, [X-1], 9, no severity\n"
    )
    assert cli_counters.errdump(lines(text)) == (("2026/11/22-09:12:40 (GMT)", "C2-5021", "error", "S0, P2: a, b"),)
    assert cli_counters.errdump(["Fabric OS:  v8.2.3c1"]) == ()
    with pytest.raises(Unreadable):
        cli_counters.errdump(["something", "else"])


def test_a_ports_wwn_follows_the_rule_only_while_nothing_speaks_against_it():
    login = Login("100000109ba10100", "", "2000c4f57c01a000", "010000")
    assert port_wwn("1000c4f57c01a000", 22, (login,)) == "2016c4f57c01a000"
    assert port_wwn("1000c4f57c01a000", 22, ()) == "2016c4f57c01a000"
    other = Login("100000109ba10100", "", "2000c4f57cffffff", "010000")
    assert port_wwn("1000c4f57c01a000", 22, (login, other, Login("x", "", "", ""))) == ""
    assert port_wwn("", 22, ()) == port_wwn("1000c4f57c01a000", 5000, ()) == ""


def test_ports_with_links_and_npiv_get_their_neighbours():
    shown = cli_switch.switchshow(lines(TAIL.encode()))
    logins = tuple(Login(f"10000000000000{n:02x}", "", "2000c4f57c02a000", "0b0000") for n in range(2))
    link = cli_switch.Link(26, 7, "1000c4f57c01a000", 32.0)
    trunks = {n: cli_switch.Link(n, n - 14, "1000c4f57c01a000", None, 1) for n in (22, 23)}
    seen = joined(Told("S", shown=shown, links={26: link}, trunks=trunks, local=logins), {})
    ports = {port.number: port for port in seen.ports}
    assert ports[0].neighbors == ("1000000000000000", "1000000000000001")
    assert (ports[23].neighbors, ports[23].peer_port, ports[23].trunk) == (("1000c4f57c01a000",), 9, 1)
    assert (ports[26].kind, ports[26].peer_port, ports[26].trunk) == ("E", 7, None)
    assert joined(Told("S"), {"ports": "why"}).unread == {"ports": "why"}
    exact = joined(Told("S", counters={1: {"a": 1, "b": 2}}, exact={1: {"a": 5}, 2: {}}), {})
    assert exact.counters == {1: {"a": 5, "b": 2}, 2: {}}


def test_both_interfaces_of_the_samples_agree():
    rest, cli = rest_seen("A"), cli_seen("A")
    assert differences(rest, cli) == ()
    assert [port.wwn for port in cli.ports] == [port.wwn for port in rest.ports]
    assert cli.zoning.cfgs.keys() == rest.zoning.cfgs.keys()


def test_decimals():
    assert (number("12"), number("x"), number("１"), number("9" * 21)) == (12, None, None, None)
