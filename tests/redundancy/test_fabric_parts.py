"""The pieces under the proof: which switches are one fabric, which ends are one cable, who is where, what zoning lets
through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.redundancy.elements import Domain, Element, Kind
from inventory.redundancy.estate import Declared, Estate, HbaPort, HostSeen, Missing
from inventory.redundancy.evidence import Layer
from inventory.redundancy.fabrics import Cable, fabrics
from inventory.redundancy.judge import Word
from inventory.redundancy.proof import prove
from inventory.redundancy.routes import Routes
from inventory.redundancy.zoning import permits
from portal.kernel.san import Login, Member, SwitchPort, SwitchSeen, Zone, Zoning
from tests.redundancy.san_world import A2, B2, DR, PROD, A, B, Isl, changed, lun, standard

H1 = "olvm-h1"
WWID = f"3{lun(1)}"


def e_port(number, peer, peer_port=None, state="online", kind="E"):
    return SwitchPort(number, f"port{number}", state=state, kind=kind, neighbors=(peer,), peer_port=peer_port)


def two(near, far, **unread):
    switches = (
        SwitchSeen("aa", "A", "rest", domain=1, ports=tuple(near)),
        SwitchSeen("bb", "B", "rest", domain=2, ports=tuple(far), unread=unread),
    )
    return fabrics(switches)


# --- fabrics and cables -------------------------------------------------------------------------------------------
def test_switches_that_know_each_other_are_one_fabric():
    assert len(two([], [])) == 2
    (one,) = two([e_port(1, "bb", 7)], [e_port(7, "aa", 1)])
    assert (one.key, one.name) == ("aa,bb", "A + B")
    assert one.cables == (Cable(("aa", 1), ("bb", 7)),)
    chain = [
        SwitchSeen(w, w, "rest", members=(Member(w, n), Member(o, n + 1)))
        for n, (w, o) in enumerate(("ab", "cd", "bc"))
    ]
    (whole,) = fabrics(chain)
    assert whole.switches == {"a", "b", "c", "d"}
    assert whole.why["ports"] == "Switch d was not read."
    assert whole.name == "a + b + c + d"
    wide = [SwitchSeen(w, w, "rest", members=(Member("a", 1),)) for w in "abcdefg"]
    assert fabrics(wide)[0].name == "a + b + c + 4 more"


@pytest.mark.parametrize(
    ("near", "far", "cables"),
    [
        ([e_port(1, "bb", 7), e_port(2, "bb", 8)], [e_port(7, "aa", 1), e_port(8, "aa", 2)], [(1, 7), (2, 8)]),
        ([e_port(1, "bb")], [e_port(7, "aa")], [(1, 7)]),  # neither names its peer: one cable, not two
        ([e_port(1, "bb"), e_port(2, "bb")], [e_port(7, "aa", 2), e_port(8, "aa")], [(2, 7), (1, 8)]),
        ([e_port(1, "bb", 8)], [e_port(7, "aa"), e_port(8, "aa")], [(1, 8)]),
        ([e_port(1, "bb", 7)], [e_port(7, "aa", 1, state="no_light")], []),  # one end is dark
        ([e_port(1, "bb", 7)], [e_port(7, "aa", 9)], []),  # they contradict each other
        ([e_port(1, "bb", 7, kind="F")], [e_port(7, "aa", 1, kind="F")], []),
    ],
)
def test_both_ends_make_a_cable(near, far, cables):
    found = [cable for fabric in two(near, far) for cable in fabric.cables]
    assert sorted((cable.a[1], cable.b[1]) for cable in found) == sorted(cables)


def test_one_end_is_enough_where_the_other_was_not_read():
    (one,) = two([e_port(1, "bb", 7)], [], ports="503.")
    assert one.cables == (Cable(("aa", 1), ("bb", 7)),)
    assert one.why["ports"] == "503."
    switches = (
        SwitchSeen("aa", "A", "rest", unread={"ports": "503."}, members=(Member("bb", 2),)),
        SwitchSeen("bb", "B", "rest", ports=(e_port(7, "aa"),)),
    )
    assert fabrics(switches)[0].cables == (Cable(("aa", None), ("bb", 7)),)


def test_a_device_is_found_by_port_domain_or_because_there_is_one_switch():
    (pair,) = two([e_port(1, "bb", 7)], [e_port(7, "aa", 1)])
    assert pair.switch_of(Login("w", "", "port7", "010000")) == "bb"
    assert pair.switch_of(Login("w", "", "elsewhere", "020500")) == "bb"
    assert pair.switch_of(Login("w", "", "elsewhere", "090500")) == ""
    assert pair.switch_of(Login("w", "", "elsewhere", "")) == ""
    (alone, _) = two([], [])
    assert alone.switch_of(Login("w", "", "elsewhere", "")) == "aa"


def test_a_switch_that_tells_neither_ports_nor_members_may_belong_anywhere():
    seen = SwitchSeen("aa", "A", "rest", domain=1, unread={"ports": "503.", "members": "503."})
    (one,) = fabrics((seen,))
    assert one.why["extent"] == "Which switches A is joined with is not known: 503."
    assert one.switch_of(Login("w", "", "elsewhere", "020500")) == ""


def test_a_link_without_a_name_keeps_the_routes_unknown():
    (one,) = fabrics((SwitchSeen("aa", "A", "rest", ports=(SwitchPort(3, "p3", state="online", kind="E"),)),))
    assert one.why["ports"] == "Port 3 of A is a link and does not tell to which switch."


# --- routes -------------------------------------------------------------------------------------------------------
def test_what_all_routes_share():
    square = Routes(
        {n: 1 << k for k, n in enumerate("abcd")}, [("a", "b", 16), ("b", "d", 32), ("a", "c", 64), ("c", "d", 128)]
    )
    assert square.needed("a", "d") == 0b1001
    assert square.needed("a", "b") == 0b0011
    assert square.needed("a", "a") == 1
    assert square.parts(0)["a"] == square.parts(0)["d"]
    cut = square.parts(0b0110)
    assert (cut["a"] != cut["d"], "b" in cut) == (True, False)
    assert square.parts(16 | 128)["a"] != square.parts(16 | 128)["d"]
    assert Routes({"a": 1, "b": 2}, []).needed("a", "b") is None


# --- zoning -------------------------------------------------------------------------------------------------------
def fabric(told, **why):
    logins = (Login("w1", "", "p1", "010100"), Login("t1", "", "p2", "010200"))
    ports = (SwitchPort(1, "p1"), SwitchPort(2, "p2"))
    return fabrics((SwitchSeen("aa", "A", "rest", domain=1, ports=ports, logins=logins, zoning=told, unread=why),))[0]


def test_peer_zones_join_across_only():
    zone = Zone("Z", ("w1", "w2"), "peer", ("t1",))
    allowed = permits(fabric(Zoning("C", (zone,)))).effective
    assert allowed is not None
    assert allowed.allows("w1", "t1")
    assert allowed.allows("t1", "w1")
    assert not allowed.allows("w1", "w2")
    assert allowed.names("w2")
    assert allowed.names("t1")
    assert not allowed.names("w9")


@pytest.mark.parametrize(("member", "allowed"), [("1,1", True), ("1,2", False), ("9,1", False), ("x,1", False)])
def test_members_by_port(member, allowed):
    found = permits(fabric(Zoning("C", (Zone("Z", (member, "t1")),)))).effective
    assert found is not None
    assert found.allows("w1", "t1") is allowed


def test_what_is_allowed_without_a_configuration():
    assert permits(fabric(Zoning("", (), all_access=True))).everything
    unknown = permits(fabric(Zoning("", ())))
    assert (unknown.effective, unknown.why) == (
        None,
        "No configuration is in effect on A, and what is then allowed is unknown.",
    )
    nothing = permits(fabric(Zoning("", (), cfgs={"C": ()}, all_access=False)))
    assert nothing.effective is not None
    assert not nothing.effective.allows("w1", "t1")


def test_zoning_that_was_not_told():
    assert permits(fabric(None)).why == "The zoning of A was not read."
    assert permits(fabric(None, zoning="403.")).why == "403."
    half = permits(fabric(Zoning("C", (Zone("Z", ("w1", "t1")),))))
    assert (half.defined, half.why) == (None, "The defined configuration of A was not read.")


def test_everybody_may_talk_when_nothing_is_in_effect():
    estate = standard().estate()
    for switch in (A, B):
        zoning = next(one for one in estate.switches if one.wwn == switch).zoning
        estate = changed(estate, switch, zoning=replace(zoning, cfg_effective="", effective=(), all_access=True))
    cell = prove(estate).cells[H1, WWID]
    assert (cell.layers[Layer.DESIGNED].pairs, cell.live.pairs) == (4, 4)


# --- places -------------------------------------------------------------------------------------------------------
def test_a_dark_port_belongs_where_it_is_declared_or_zoned():
    made = standard(isl=True)
    made.targets[4].up = False  # DR, on SWA2
    assert prove(made.estate()).cells[H1, f"3{lun(2, DR)}"].layers[Layer.DESIGNED].pairs == 4
    made.cabled = False
    design = prove(made.estate()).cells[H1, f"3{lun(2, DR)}"].layers[Layer.DESIGNED]
    assert (design.pairs, design.word) == (4, Word.UNKNOWN)
    assert design.why == ("Which switch of SWA1 + SWA2 a port is plugged into is not known.",)


def test_hosts_alone_prove_little_and_say_so():
    estate = replace(standard().estate(), switches=(), arrays=())
    cell = prove(estate).cells[H1, WWID]
    seen = cell.layers[Layer.SEEN]
    assert (seen.pairs, seen.word, cell.live.word) == (4, Word.UNKNOWN, Word.UNKNOWN)
    assert seen.why[0] == f"No switch of fabric {A} was read."


def test_hosts_alone_show_that_one_fabric_carries_all():
    made = standard()
    made.hbas[1].up = False
    proof = prove(replace(made.estate(), switches=(), arrays=()))
    seen = proof.cells[H1, WWID].layers[Layer.SEEN]
    assert (seen.pairs, seen.word) == (2, Word.FAIL)
    assert f"fabric {A}" in {proof.label(one) for one in seen.points}
    assert proof.cells[H1, WWID].live.word is Word.FAIL


def test_hosts_alone_without_a_fabric_name():
    estate = replace(standard().estate(), switches=(), arrays=())
    bare = tuple(replace(hba, fabric="") for hba in estate.hosts[0].hbas)
    cell = prove(replace(estate, hosts=(replace(estate.hosts[0], hbas=bare),))).cells[H1, WWID]
    assert cell.layers[Layer.SEEN].why[0] == "Where 100000109ba10100 is plugged in is not known."


def test_declared_paths_are_the_design_where_nothing_else_was_read():
    estate = replace(standard().estate(), switches=(), arrays=())
    pairs = {(path.hba, path.target) for path in estate.hosts[0].paths if path.wwid == WWID}
    strange = ("100000109ba10100", "2000000000000009")
    agreed = frozenset({*pairs, strange, ("", "")})
    told = replace(estate, declared=Declared(paths={(H1, WWID): agreed}))
    proof = prove(told)
    assert set(proof.pairs(proof.cells[H1, WWID], Layer.DESIGNED)) == {*pairs, strange}
    gone = replace(told, hosts=(HostSeen(H1),))
    assert prove(gone).cells[H1, WWID].layers[Layer.DESIGNED].pairs == 5


def test_a_host_names_its_fabric_by_its_principal():
    made = standard()
    estate = changed(made.estate(), A, logins=(), unread={"logins": "503."})
    estate = replace(estate, declared=Declared())
    estate = changed(estate, A, zoning=None, unread={"logins": "503.", "zoning": "503."})
    proof = prove(estate)
    hba = "100000109ba10100"
    assert proof.san.places.actual(hba).switch == A
    assert proof.cells[H1, WWID].live.word is Word.UNKNOWN


def test_ends_that_are_not_known():
    estate = standard().estate()
    bare = tuple(replace(hba, card="") for hba in estate.hosts[0].hbas)
    cell = prove(replace(estate, hosts=(replace(estate.hosts[0], hbas=bare),))).cells[H1, WWID]
    assert cell.live.word is Word.UNKNOWN
    assert cell.live.why[0] == "The card of HBA port 100000109ba10100 of olvm-h1 is not known."
    array = next(one for one in estate.arrays if one.serial == PROD)
    ports = tuple(replace(port, controller="", module="") for port in array.ports)
    cell = prove(changed(estate, PROD, ports=ports)).cells[H1, WWID]
    assert cell.live.why[0] == "The controller of port CTE0.A.IOM0.P0 of PROD is not known."


def test_a_link_to_a_switch_that_was_not_read_keeps_its_pairs_unknown():
    made = standard(isl=True)
    estate = made.estate()
    dark = replace(
        estate,
        switches=tuple(one for one in estate.switches if one.wwn != A2),
        missing=(Missing("switch", "SWA2", "no route to host."),),
    )
    proof = prove(dark)
    cell = proof.cells[H1, f"3{lun(2, DR)}"]
    assert (cell.live.word, cell.live.pairs) == (Word.UNKNOWN, 4)
    assert proof.cells[H1, WWID].live.word is Word.GREEN, "it does not run over that switch"
    split = changed(dark, A, ports=tuple(port for port in dark.switches[0].ports if port.kind != "E"))
    cell = prove(split).cells[H1, f"3{lun(2, DR)}"]
    assert (cell.live.word, cell.live.pairs) == (Word.UNKNOWN, 2)


def test_a_detour_over_switches_that_were_not_read_may_exist():
    """One feed carries the direct links of both fabrics. The detour over two more switches is not seen, so whether the
    feed cuts everything is not known."""
    made = standard(isl=True)
    near, far = ("1000c4f57c03a000", "1000c4f57c04a000"), ("1000c4f57c03b000", "1000c4f57c04b000")
    made.isls = []
    direct = set()
    for fabric, (one, other), (third, fourth) in ((0, (A, A2), near), (1, (B, B2), far)):
        made.fabrics[fabric] += [third, fourth]
        made.names |= {third: f"SW{third[-4]}3", fourth: f"SW{fourth[-4]}4"}
        made.domains |= {third: 30 + fabric, fourth: 40 + fabric}
        made.isls += [
            Isl(one, 22, other, 22),
            Isl(one, 20, third, 1),
            Isl(third, 2, fourth, 1),
            Isl(fourth, 2, other, 20),
        ]
        direct.add(Element(Kind.LINK, f"{one}:22-{other}:22"))
    made.shared = [Domain(Element(Kind.FEED, "feed"), frozenset(direct))]
    wwid = f"3{lun(2, DR)}"
    whole = prove(made.estate())
    assert whole.cells[H1, wwid].live.word is Word.GREEN
    estate = made.estate()
    seen = tuple(one for one in estate.switches if one.wwn in (A, A2, B, B2))
    partly = prove(replace(estate, switches=seen)).cells[H1, wwid].live
    assert (partly.word, partly.pairs) == (Word.UNKNOWN, 4)
    assert Element(Kind.FEED, "feed") in partly.points, "as far as is known"


def test_a_path_between_two_fabrics():
    """The name servers put the ends apart, and the host has the path all the same."""
    estate = standard().estate()
    host = estate.hosts[0]
    odd = replace(host.paths[0], target="20093400a30d0001")
    cell = prove(replace(estate, hosts=(replace(host, paths=(odd,)),))).cells[H1, host.paths[0].wwid]
    assert cell.layers[Layer.SEEN].why == ("A path joins two fabrics, and what lies between is not known.",)
    assert cell.live.word is Word.NO_PATH
    proof = prove(replace(estate, hosts=(replace(host, paths=(odd,)),)))
    assert proof.runs_over(H1, (odd.hba, odd.target)) == ()


def test_an_unreached_switch_of_the_same_fabric():
    """Two switches that know each other and have no link between them."""
    made = standard(isl=True)
    made.isls = [isl for isl in made.isls if isl.one != A]
    proof = prove(made.estate())
    assert proof.cells[H1, f"3{lun(2, DR)}"].live.pairs == 2


def test_nothing_at_all():
    proof = prove(Estate(0.0))
    assert proof.whole.sentence == "No host has a LUN, so nothing is proven."
    assert proof.elements == ()
    bare = prove(Estate(0.0, hosts=(HostSeen("h", (HbaPort("10" * 8),)),)))
    assert bare.hosts[0].sentence == "No LUN is known for it, so nothing is proven."
    assert proof.fabrics == ()
    assert Element(Kind.HOST, "h") in bare.san.wires.elements.everything()
