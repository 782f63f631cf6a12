"""Every kind of difference between REST and command line is named once, and what is not told is not compared."""

from __future__ import annotations

from dataclasses import replace

from portal.connectors.san.reading.crosscheck import differences
from portal.kernel.san import Member, Zone
from tests.san.rest_seen import rest_seen

REST = replace(rest_seen("A"), unread={})


def changed_port(number, **changes):
    ports = tuple(replace(port, **changes) if port.number == number else port for port in REST.ports)
    return replace(REST, source="ssh", ports=ports)


def changed_zoning(**changes):
    return replace(REST, source="ssh", zoning=replace(REST.zoning, **changes))


def test_the_same_twice_has_no_difference():
    assert differences(REST, REST) == ()


def test_the_switch_itself():
    assert differences(REST, replace(REST, domain=7)) == ("Domain of SWA1: REST tells 1, the command line 7.",)
    assert differences(REST, replace(REST, domain=None, firmware="")) == ()


def test_ports():
    assert differences(REST, changed_port(4, state="no_light")) == (
        "State of port 4 of SWA1: REST tells online, the command line no_light.",
    )
    assert differences(REST, changed_port(4, gbit=16.0)) == (
        "Gbit of port 4 of SWA1: REST tells 32.0, the command line 16.0.",
    )
    assert differences(REST, changed_port(0, neighbors=("1", "2"))) == (
        "Neighbors of port 0 of SWA1: REST tells 100000109ba10100, the command line 1 2.",
    )
    assert differences(REST, changed_port(0, neighbors=())) == ()
    assert differences(REST, changed_port(2, kind="G", gbit=32.0)) == ()  # no link: defaults differ
    assert differences(REST, changed_port(4, persistent_disable=True)) == (
        "Persistent disable of port 4 of SWA1: REST tells False, the command line True.",
    )
    (less,) = differences(REST, replace(REST, ports=REST.ports[1:]))
    assert less == "Port 0 of SWA1 is told by REST and not by the command line."


def test_logins_and_members():
    (missing,) = differences(REST, replace(REST, logins=REST.logins[1:]))
    assert missing == "Login 100000109ba10100 of SWA1 is told by REST and not by the command line."
    (more,) = differences(REST, replace(REST, members=(*REST.members, Member("1000c4f57c02a000", 11))))
    assert more == "Switch 1000c4f57c02a000 of SWA1 is told by the command line and not by REST."


def test_zoning():
    assert differences(REST, changed_zoning(cfg_effective="")) == (
        "Effective configuration of SWA1: REST tells CFG_FAB_A, the command line none.",
    )
    (opened,) = differences(REST, changed_zoning(transaction=True))
    assert "Open transaction" in opened
    first = REST.zoning.effective[0]
    other = (replace(first, members=(*first.members[1:], "100000109ba10101")), *REST.zoning.effective[1:])
    (members,) = differences(REST, changed_zoning(effective=other))
    assert members == (
        "Effective zone Z_olvm-h1_hba0_PROD of SWA1 has other members by REST than by the command line: "
        "100000109ba10100, 100000109ba10101."
    )
    (alias,) = differences(REST, changed_zoning(aliases={**REST.zoning.aliases, "new": ()}))
    assert alias == "Alias new of SWA1 is told by the command line and not by REST."
    (zone,) = differences(REST, changed_zoning(defined=(*REST.zoning.defined, Zone("Z", ()))))
    assert zone == "Defined zone Z of SWA1 is told by the command line and not by REST."


def test_what_was_not_read_is_not_compared():
    bare = replace(REST, ports=(), logins=(), members=(), zoning=None)
    unread = dict.fromkeys(("ports", "logins", "members", "zoning"), "why")
    assert differences(REST, replace(bare, unread=unread)) == ()
    assert differences(replace(REST, unread={"zoning": "why"}), changed_zoning(cfg_effective="")) == ()
    assert differences(replace(REST, unread={"defined": "why"}), changed_zoning(aliases={})) == ()
