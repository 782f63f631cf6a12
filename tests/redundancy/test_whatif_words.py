"""What-if on the estate of the samples, and the sentences of every summary."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from inventory.redundancy import words
from inventory.redundancy.elements import Domain, Element, Elements, Kind
from inventory.redundancy.estate import DmPath, Missing, Use
from inventory.redundancy.evidence import Layer
from inventory.redundancy.judge import Word
from inventory.redundancy.proof import prove
from inventory.redundancy.whatif import what_if
from portal.kernel.outcome import Outcome
from tests.redundancy.san_world import DR, PROD, A, B, changed, lun, standard

stand, OK, FAIL = words._stand, Outcome.OK, Outcome.FAIL
H1, H2 = "olvm-h1", "olvm-h2"
FABRIC_A, FABRIC_B = Element(Kind.FABRIC, A), Element(Kind.FABRIC, B)
ENGINE = Use("HostedEngine", (f"3{lun(1)}",), (H1, H2), H1, hosted_engine=True)
ORACLE = Use("oradb1", (f"3{lun(2)}", f"3{lun(3)}"), (H1, H2), H1)
PINNED = Use("pinned", (f"3{lun(4)}",), (H1,), H1)


def proved(change=lambda made: None, *uses, **replaced):
    made = standard()
    made.uses = uses or (ORACLE, PINNED, ENGINE)
    change(made)
    return prove(replace(made.estate(), **replaced))


# --- what-if ------------------------------------------------------------------------------------------------------
def test_nothing_removed():
    answer = what_if(proved(), [])
    assert answer.sentence == "Without nothing every LUN keeps its redundancy."
    assert (answer.lost, answer.weakened, answer.vms_lost, answer.vms_hit) == ((), (), (), ())


def test_one_fabric():
    answer = what_if(proved(), [FABRIC_A])
    assert answer.lost == ()
    assert len(answer.weakened) == 14
    assert {one.after for one in answer.remains.values()} == {2}
    assert FABRIC_B in answer.weakened[0].points
    assert answer.sentence == "Without fabric SWA1 14 LUNs on their hosts hang on one element."


def test_both_fabrics():
    answer = what_if(proved(), [FABRIC_A, FABRIC_B])
    assert len(answer.lost) == 14
    assert answer.vms_lost == ("oradb1", "pinned", "HostedEngine")
    assert answer.sentence == (
        "Without fabric SWA1 and fabric SWB1 14 LUNs on their hosts lose all paths. 3 VMs lose their disks on "
        "every host: oradb1, pinned, HostedEngine."
    )


def test_a_fabric_and_a_controller():
    answer = what_if(proved(), [FABRIC_A, Element(Kind.CONTROLLER, f"{PROD}/0A")])
    assert {one.after for (_, wwid), one in answer.remains.items() if wwid == f"3{lun(1)}"} == {1}
    assert answer.lost == ()


def test_a_host_takes_its_vms_elsewhere():
    answer = what_if(proved(), [Element(Kind.HOST, H1)])
    assert {one.cell.host for one in answer.lost} == {H1}
    assert answer.vms_lost == ("pinned",)
    assert answer.vms_hit == ("oradb1", "HostedEngine")
    assert "2 VMs lose some host: oradb1, HostedEngine." in answer.sentence


def test_one_vm_is_one():
    proof = proved(lambda made: None, PINNED)
    assert "1 VM lose" in what_if(proof, [Element(Kind.HOST, H1)]).sentence
    anywhere = proved(lambda made: None, Use("anywhere", (f"3{lun(1)}",)))
    assert what_if(anywhere, [Element(Kind.HOST, H1)]).vms_hit == ("anywhere",)


def test_an_element_that_nothing_runs_over():
    answer = what_if(proved(), [Element(Kind.PDU, "nowhere")])
    assert answer.strange == (Element(Kind.PDU, "nowhere"),)


def test_what_is_not_known_is_told():
    made = standard()
    estate = changed(made.estate(), B, logins=(), unread={"logins": "503."})
    answer = what_if(prove(estate), [FABRIC_A])
    assert len(answer.unknown) == 14


def test_by_the_design():
    made = standard()
    for hba in made.hbas:
        hba.up = hba.switch != B
    answer = what_if(prove(made.estate()), [FABRIC_A], Layer.DESIGNED)
    assert answer.lost == ()
    assert {one.after for one in answer.remains.values()} == {2}
    assert len(what_if(prove(made.estate()), [FABRIC_A]).lost) == 14


def test_a_wire_whose_switches_are_not_known_is_not_taken_away():
    """Only the host is read: nothing is known of routes, so a switch takes nothing and the HBA port takes its paths."""
    estate = replace(standard().estate(), switches=(), arrays=())
    proof = prove(estate)
    assert what_if(proof, [Element(Kind.SWITCH, A)], Layer.SEEN).lost == ()
    gone = what_if(proof, [Element(Kind.HBA, "100000109ba10100"), Element(Kind.HBA, "100000109ba20100")], Layer.SEEN)
    assert {one.cell.host for one in gone.lost} == {H1}


# --- sentences ----------------------------------------------------------------------------------------------------
def test_summaries_of_a_sound_estate():
    proof = proved()
    assert [one.name for one in proof.vms] == ["HostedEngine", "oradb1", "pinned"]
    assert proof.luns[0].name == "he_sd"
    assert proof.luns[0].first
    assert proof.vms[1].sentence == "Whatever single element dies, each of 4 LUNs keeps at least 2 paths."
    assert proof.vms[2].sentence == f"ora_fra01 on {H1} keeps 2 of 4 paths whatever single element dies."
    assert {one.name for one in proof.arrays} == {PROD, DR}
    assert {one.outcome for one in (*proof.luns, *proof.hosts, *proof.arrays)} == {Outcome.OK}
    element = next(one for one in proof.elements if one.element == FABRIC_A)
    assert element.sentence == "If fabric SWA1 dies, 14 LUNs on their hosts lose paths, none its last."
    assert (element.hit, element.cuts) == (14, ())


def card(made):
    for hba in made.hbas:
        hba.card = "0000:3b:00" if hba.host == H1 else hba.card


def test_summaries_of_a_dual_port_card():
    proof = proved(card)
    assert proof.vms[0].name == "HostedEngine"
    assert proof.vms[0].sentence == (f"If card 0000:3b:00 of {H1} dies, he_sd loses all its 4 paths on {H1}.")
    assert {one.name: one.outcome for one in proof.hosts} == {H1: Outcome.FAIL, H2: Outcome.OK}
    assert proof.whole.sentence.startswith("7 LUNs on 1 host hang on 1 single element. If card ")
    assert proof.hosts[0].sentence.endswith(" 6 more of 7 LUNs stand as badly.")


def test_no_path_at_all():
    def nothing_up(made):
        for hba in made.hbas:
            hba.up = hba.host != H1

    proof = proved(nothing_up)
    assert proof.hosts[0].sentence.startswith(
        f"he_sd has no live path on {H1}: compare its mapping, zoning and cabling."
    )
    assert proof.cells[H1, f"3{lun(1)}"].live.word is Word.NO_PATH


def test_the_only_path():
    def one_pair(made):
        made.zoned = {pair for pair in made.zoned if pair[0] != "100000109ba20100" and not pair[1].startswith("2018")}

    proof = proved(one_pair)
    sentence = words.cell(proof.cells[H1, f"3{lun(1)}"], proof.label)
    assert sentence.startswith(f"If fabric SWA1 dies, he_sd loses its only path on {H1}. It hangs on ")


def test_two_paths_and_uneven_ones():
    def two(made):
        made.zoned = {p for p in made.zoned if (p[1].startswith("2008"), p[1].startswith("2019")) != (False, False)}

    proof = proved(two)
    sentence = words.cell(proof.cells[H1, f"3{lun(1)}"], proof.label)
    assert "an HBA port does not reach every controller" in sentence

    def three(made):
        made.targets[0].up = False

    sentence = words.cell(proved(three).cells[H1, f"3{lun(1)}"], proof.label)
    assert sentence == (
        f"he_sd on {H1} keeps 1 of 3 paths at worst, but the fabrics carry different numbers of paths: "
        "see what is missing."
    )


def test_controllers_that_carry_different_numbers():
    from inventory.redundancy.judge import Trait, unevenness

    traits = [Trait("h", "A", "0A"), Trait("h", "B", "0A"), Trait("i", "A", "0A"), Trait("i", "B", "0B")]
    assert unevenness(traits) == "the controllers carry different numbers of paths"
    assert unevenness([]) == ""


def test_pass_names_what_kills_all_but_one():
    """A feed with one switch and a port of the other fabric takes three of four paths."""

    def fed(made):
        members = frozenset({Element(Kind.SWITCH, A), Element(Kind.ARRAY_PORT, "20193400a30d0001")})
        made.shared = [Domain(Element(Kind.FEED, "f1"), members)]

    proof = proved(fed)
    cell = proof.cells[H1, f"3{lun(1)}"]
    assert (cell.live.word, cell.outcome) == (Word.PASS, Outcome.WARN)
    assert words.cell(cell, proof.label) == (
        f"he_sd on {H1} is left with 1 of 4 paths when power feed f1 dies: a second loss then cuts it. Give it more "
        "paths."
    )


def test_an_estate_that_works_by_what_is_not_defined():
    def forgotten(made):
        made.defined = {pair for pair in made.zoned if not pair[0].startswith("100000109ba2")}

    proof = proved(forgotten)
    cell = proof.cells[H1, f"3{lun(1)}"]
    assert (cell.live.word, cell.outcome) == (Word.GREEN, Outcome.WARN)
    assert cell.layers[Layer.DESIGNED].word is Word.FAIL
    assert proof.luns[0].sentence.startswith(f"he_sd on {H1} works by what is in effect, but not by its design")
    assert proof.whole.sentence.endswith("13 more of 14 pairs of host and LUN stand as badly.")


def test_uses_that_cannot_be_proven():
    missing = Use("lost", (f"3{lun(1)}", "3ffff"), None)
    elsewhere = Use("elsewhere", (f"3{lun(1)}",), (H1, "olvm-h9"))
    empty = Use("diskless", ())
    proof = proved(lambda made: None, missing, elsewhere, empty)
    told = {one.name: (one.outcome, one.sentence) for one in proof.vms}
    assert told["lost"] == (Outcome.FAIL, "No host has LUN 3ffff of lost: see its mapping and zoning.")
    assert told["elsewhere"][0] is Outcome.UNKNOWN
    assert "may run on olvm-h9, whose paths are not known" in told["elsewhere"][1]
    assert told["diskless"] == (Outcome.UNKNOWN, "No LUN is known for it, so nothing is proven.")


def test_a_host_that_must_serve_a_lun_it_is_not_given():
    def only_h1(made):
        made.given = {given for given in made.given if given[1] != lun(2) or given[0] == H1}

    proof = proved(only_h1)
    assert proof.cells[H2, f"3{lun(2)}"].live.word is Word.NO_PATH
    assert next(one for one in proof.vms if one.name == "oradb1").outcome is Outcome.FAIL


def test_missing_things_keep_the_estate_from_ok():
    missing = (Missing("switch", "SWC1", "no route to host."),)
    proof = proved(missing=missing)
    assert proof.whole.outcome is Outcome.UNKNOWN
    assert proof.whole.sentence.endswith(" Switch SWC1: no route to host.")
    empty = prove(replace(standard().estate(), hosts=(), missing=missing))
    assert empty.whole.sentence == "No host has a LUN, so nothing is proven. Switch SWC1: no route to host."


def test_a_failure_in_the_dark_names_why():
    estate = changed(standard().estate(), B, logins=(), unread={"logins": "503 Service Unavailable"})
    proof = prove(estate)
    cell = proof.cells[H1, f"3{lun(1)}"]
    assert cell.live.word is Word.UNKNOWN
    assert (
        words.cell(cell, proof.label)
        == f"Whether he_sd on {H1} survives a single loss is not known: 503 Service Unavailable."
    )


def test_a_certain_failure_without_a_known_pair():
    """No pair is known for certain, but all that may be live share the card."""
    made = standard()
    card(made)
    estate = made.estate()
    for switch in (A, B):
        estate = changed(estate, switch, logins=(), unread={"logins": "503."})
    proof = prove(estate)
    cell = proof.cells[H1, f"3{lun(1)}"]
    assert (cell.live.word, cell.live.pairs) == (Word.FAIL, 0)
    assert words.cell(cell, proof.label) == f"All paths of he_sd on {H1} share an element, whatever was not read: 503."


def test_several_luns_of_one_element():
    proof = proved(card)
    assert (
        proof.elements[0].sentence == f"If card 0000:3b:00 of {H1} dies, he_sd and 6 more LUNs lose all paths on {H1}."
    )

    both = [one for one in prove(_one_fabric()).elements if one.element == FABRIC_A]
    assert both[0].sentence == "If fabric SWA1 dies, he_sd and 6 more LUNs lose all paths on 2 hosts."


def _one_fabric():
    made = standard()
    for hba in made.hbas:
        hba.up = hba.switch == A
    return made.estate()


def test_one_lun_of_one_element():
    made = standard()
    made.given = {(H1, lun(1), PROD)}
    for hba in made.hbas:
        hba.card = "0000:3b:00"
    proof = prove(made.estate())
    assert proof.elements[0].sentence == f"If card 0000:3b:00 of {H1} dies, he_sd loses all paths on {H1}."


# --- elements -----------------------------------------------------------------------------------------------------
def test_domains_may_hold_each_other():
    switch, rack, room = Element(Kind.SWITCH, A), Element(Kind.RACK, "r"), Element(Kind.ROOM, "room")
    elements = Elements([Domain(rack, frozenset({switch, room})), Domain(room, frozenset({rack}))])
    assert set(elements.of(elements.mask(switch))) == {switch, rack, room}
    assert elements.label(rack) == "rack r"
    assert not elements.known(Element(Kind.PDU, "p"))


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_its_width(kind):
    assert words.widest([Element(kind, "x")])


def test_paths_that_are_neither_up_nor_down():
    estate = standard().estate()
    host = estate.hosts[0]
    unclear = tuple(replace(path, state="unclear") if n < 2 else path for n, path in enumerate(host.paths))
    down = tuple(replace(path, state="down") if n < 2 else path for n, path in enumerate(host.paths))
    wwid = host.paths[0].wwid
    cell = prove(replace(estate, hosts=(replace(host, paths=unclear),))).cells[H1, wwid]
    assert cell.layers[Layer.SEEN].word is Word.UNKNOWN
    assert any("neither up nor down yet" in why for why in cell.layers[Layer.SEEN].why)
    cell = prove(replace(estate, hosts=(replace(host, paths=down),))).cells[H1, wwid]
    assert cell.layers[Layer.SEEN].why == ()
    assert cell.layers[Layer.SEEN].pairs < 4


def test_a_path_without_fc_ports():
    estate = standard().estate()
    host = estate.hosts[0]
    local = DmPath("3500local", "", "", "up")
    cell = prove(replace(estate, hosts=(replace(host, paths=(*host.paths, local)),))).cells[H1, "3500local"]
    assert cell.live.word is Word.UNKNOWN
    assert f"{H1} has paths of this LUN without FC ports." in cell.layers[Layer.SEEN].why
    assert cell.name == "3500local"


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        ([("1", "a", FAIL, "x"), ("1", "b", FAIL, "x")], "1 LUN on 2 hosts hangs on 1 single element"),
        ([("1", "a", FAIL, "x"), ("2", "a", FAIL, "y")], "2 LUNs on 1 host hang on 2 single elements"),
        ([("1", "a", FAIL, "")], "1 LUN on 1 host has no path"),
        ([("1", "a", FAIL, "x"), ("2", "a", FAIL, "")], "2 LUNs on 1 host hang on 1 single element or have no path"),
        ([("1", "a", OK, "")], "1 LUN on 1 host fails by its design"),
        ([("1", "a", FAIL, ""), ("2", "a", OK, "")], "2 LUNs on 1 host have no path or fail by their design"),
    ],
)
def test_what_is_said_of_all_that_fail_is_true_of_each(cut, said):
    cells = [
        SimpleNamespace(wwid=wwid, host=host, live=SimpleNamespace(outcome=live, points=tuple(points)))
        for wwid, host, live, points in cut
    ]
    assert stand(cells) == said
