"""The ten cases of facts/san.md 3.3 on the estate of samples/san."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from inventory.redundancy.elements import Domain, Element, Kind
from inventory.redundancy.evidence import Layer
from inventory.redundancy.judge import Word
from inventory.redundancy.lint import lint
from inventory.redundancy.proof import prove
from portal.kernel.outcome import Outcome
from portal.kernel.san import wwn
from tests.redundancy.san_world import A2, B2, DR, PROD, A, B, changed, lun, standard

SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "san"
H1, H2 = "olvm-h1", "olvm-h2"


def rules(estate):
    return [one.rule for one in lint(estate)]


def live(proof, host, number, array):
    return proof.cells[host, f"3{lun(number, array)}"].live


def labels(proof, judged):
    return {proof.label(one) for one in judged.points}


def test_the_world_is_the_one_of_the_samples():
    world = standard()
    for side, switch in (("A", A), ("B", B)):
        told = json.loads((SAMPLES / "brocade-rest" / f"fibrechannel-name-server_{side}.json").read_text())
        entries = told["Response"]["fibrechannel-name-server"]
        seen = world.switch(switch)
        assert {wwn(one["port-name"]) for one in entries} == {one.wwpn for one in seen.logins}
        assert {wwn(one["fabric-port-name"]) for one in entries} == {one.fabric_port for one in seen.logins}
        told = json.loads((SAMPLES / "brocade-rest" / f"effective-configuration_{side}.json").read_text())
        zones = told["Response"]["effective-configuration"]["enabled-zone"]
        told_members = {frozenset(map(wwn, zone["member-entry"]["entry-name"])) for zone in zones}
        assert told_members == {frozenset(zone.members) for zone in seen.zoning.effective}
    for name, serial in (("prod", PROD), ("dr", DR)):
        ports = json.loads((SAMPLES / "dorado-rest" / f"{name}-fc_port.json").read_text())["data"]
        told = {(one["WWN"], one["LOCATION"], one["PARENTID"]) for one in ports}
        assert told == {(one.wwpn, one.location, one.module) for one in world.array(serial).ports}
        luns = json.loads((SAMPLES / "dorado-rest" / f"{name}-lun.json").read_text())["data"]
        assert {one.wwn for one in world.array(serial).luns} <= {one["WWN"] for one in luns}
        links = json.loads((SAMPLES / "dorado-rest" / f"{name}-host_link_host0.json").read_text())["data"]
        told = {(one["INITIATOR_PORT_WWN"], one["TARGET_PORT_WWN"]) for one in links}
        assert told == {(one.initiator, one.target) for one in world.array(serial).links if one.host == "0"}


@pytest.mark.parametrize("isl", [False, True])
def test_case_1_and_2_baseline(isl):
    estate = standard(isl=isl).estate()
    proof = prove(estate)
    assert len(proof.cells) == 14
    for cell in proof.cells.values():
        for layer in Layer:
            judged = cell.layers[layer]
            assert (judged.word, judged.pairs, judged.residual, judged.points) == (Word.GREEN, 4, 2, ())
    assert rules(estate) == []
    assert proof.whole.outcome is Outcome.OK
    assert proof.whole.sentence == "Whatever single element dies, each of 7 LUNs on 2 hosts keeps at least 2 paths."
    live_cell = proof.cells[H1, f"3{lun(1)}"]
    assert len(proof.pairs(live_cell)) == 4
    element = Element(Kind.LINK, f"{A}:22-{A2}:22")
    over = proof.runs_over(H1, proof.pairs(live_cell)[0])
    assert element not in over, "one of two links is not needed"


def test_case_3_zone_defined_and_not_effective():
    world = standard()
    targets = {target.wwpn for target in world.targets if target.array == DR}
    hba = next(hba.wwpn for hba in world.hbas if hba.host == H2 and hba.switch == B)
    world.defined = set(world.zoned)
    world.zoned -= {(hba, target) for target in targets}
    proof = prove(world.estate())
    judged = live(proof, H2, 2, DR)
    assert (judged.word, judged.pairs) == (Word.FAIL, 2)
    assert labels(proof, judged) == {
        "fabric SWA1",
        "switch SWA1",
        "port 1 of SWA1",
        "HBA port 100000109ba10200 of olvm-h2",
        "card 0000:3b:00 of olvm-h2",
    }
    assert live(proof, H2, 2, PROD).word is Word.GREEN
    assert live(proof, H1, 2, DR).word is Word.GREEN
    found = rules(world.estate())
    assert found.count("DEFINED_NOT_EFFECTIVE") == 1
    assert found.count("ARRAY_NOT_ZONED_ON_FABRIC") == 1
    summary = next(one for one in proof.luns if one.name == "ora_data01_dr")
    assert summary.sentence == (
        "If fabric SWA1 dies, ora_data01_dr loses all its 2 paths on olvm-h2. It hangs on 4 more elements, too."
    )


def test_case_4_alias_typo():
    whole, cut = standard(), standard()
    hba = next(hba.wwpn for hba in whole.hbas if hba.host == H1 and hba.switch == A)
    wrong = hba[:-3] + "f" + hba[-2:]
    cut.zoned = {pair for pair in cut.zoned if pair[0] != hba}
    zoning = whole.switch(A).zoning
    effective = tuple(
        replace(zone, members=tuple(wrong if one == hba else one for one in zone.members)) for zone in zoning.effective
    )
    aliases = {name: tuple(wrong if one == hba else one for one in members) for name, members in zoning.aliases.items()}
    estate = changed(cut.estate(), A, zoning=replace(zoning, effective=effective, aliases=aliases))
    proof = prove(estate)
    for number, array in ((1, PROD), (2, DR)):
        judged = live(proof, H1, number, array)
        assert (judged.word, judged.pairs) == (Word.FAIL, 2)
        assert "fabric SWB1" in labels(proof, judged)
    found = lint(estate)
    assert {"UNKNOWN_WWPN", "TARGET_TARGET_ONLY", "LOGGED_IN_NOT_ZONED", "ALIAS_TYPO"} <= {one.rule for one in found}
    typo = next(one for one in found if one.rule == "ALIAS_TYPO")
    assert "differs by 1 digit from 100000109ba10100 of olvm-h1" in typo.sentence


def test_case_5_target_port_down():
    world = standard()
    down = next(target for target in world.targets if target.array == DR and target.switch == A)
    down.up = False
    proof = prove(world.estate())
    for host in (H1, H2):
        cell = proof.cells[host, f"3{lun(2, DR)}"]
        assert (cell.live.word, cell.live.pairs, cell.live.points, cell.live.residual) == (Word.PASS, 3, (), 1)
        assert (cell.layers[Layer.DESIGNED].word, cell.layers[Layer.DESIGNED].pairs) == (Word.GREEN, 4)
        assert live(proof, host, 2, PROD).word is Word.GREEN
    assert rules(world.estate()).count("ZONED_NOT_LOGGED_IN") == 2
    assert rules(world.estate()).count("PATHS_SEEN_BELOW_DESIGNED") == 2


def test_case_6_dual_port_card():
    world = standard()
    for hba in world.hbas:
        hba.card = "0000:3b:00.1" if hba.switch == B and hba.host == H1 else "0000:3b:00"
    estate = world.estate()
    proof = prove(estate)
    judged = live(proof, H1, 2, PROD)
    assert (judged.word, judged.pairs) == (Word.FAIL, 4)
    assert labels(proof, judged) == {"card 0000:3b:00 of olvm-h1"}
    assert rules(estate) == []
    first = proof.elements[0]
    assert first.sentence == "If card 0000:3b:00 of olvm-h1 dies, he_sd and 6 more LUNs lose all paths on olvm-h1."


def test_case_7_one_link_left():
    world = standard(isl=True)
    world.isls = [isl for isl in world.isls if not (isl.one == A and isl.one_port == 23)]
    proof = prove(world.estate())
    judged = live(proof, H1, 2, DR)
    assert (judged.word, judged.pairs, judged.residual) == (Word.GREEN, 4, 2)
    link = Element(Kind.LINK, f"{A}:22-{A2}:22")
    pair = next(pair for pair in proof.pairs(proof.cells[H1, f"3{lun(2, DR)}"]) if "a10100" in pair[0])
    assert link in proof.runs_over(H1, pair)


def test_case_8_one_big_zone():
    world = standard()
    estate = world.estate()
    for switch, number in ((A, 0), (B, 1)):
        zoning = world.switch(switch).zoning
        members = tuple(end.wwpn for end in world.ends(number))
        zone = replace(zoning.effective[0], name="ALL", members=members)
        estate = changed(
            estate,
            switch,
            zoning=replace(zoning, effective=(zone,), defined=(zone,), cfgs={zoning.cfg_effective: ("ALL",)}),
        )
    proof = prove(estate)
    assert {cell.live.word for cell in proof.cells.values()} == {Word.GREEN}
    assert rules(estate).count("MULTI_INITIATOR_ZONE") == 2


def test_case_9_one_controller():
    world = standard()
    second = {target.wwpn for target in world.targets if target.array == PROD and target.controller == "0B"}
    world.defined = set(world.zoned)
    world.zoned = {pair for pair in world.zoned if pair[1] not in second}
    proof = prove(world.estate())
    judged = live(proof, H1, 2, PROD)
    assert (judged.word, judged.pairs) == (Word.FAIL, 2)
    assert labels(proof, judged) == {"controller 0A of PROD", "I/O module 0A.0 of PROD"}
    assert live(proof, H1, 2, DR).word is Word.GREEN
    assert {"DEFINED_DIFFERS", "LOGGED_IN_NOT_ZONED", "CONTROLLER_NOT_ZONED"} <= set(rules(world.estate()))


def test_case_10_hypermetro():
    world = standard()
    world.given |= {(host, lun(2), DR) for host in world.hosts()}
    proof = prove(world.estate())
    judged = live(proof, H1, 2, PROD)
    assert (judged.word, judged.pairs, judged.residual, judged.points) == (Word.GREEN, 8, 4, ())
    assert live(proof, H1, 1, PROD).pairs == 4


def test_hypermetro_that_one_host_reaches_on_one_array():
    world = standard()
    world.given |= {(H2, lun(2), DR)}
    proof = prove(world.estate())
    judged = live(proof, H1, 2, PROD)
    assert (judged.word, labels(proof, judged)) == (Word.FAIL, {"array PROD"})


def test_two_switches_on_one_power_feed():
    world = standard()
    feed = Element(Kind.PDU, "pdu-1")
    world.shared = [Domain(feed, frozenset({Element(Kind.SWITCH, A), Element(Kind.SWITCH, B)}))]
    proof = prove(world.estate())
    assert labels(proof, live(proof, H1, 1, PROD)) == {"pdu-1"}
    assert proof.elements[0].element == feed


def test_links_of_one_trunk_are_one_element():
    world = standard(isl=True)
    for isl in world.isls:
        isl.trunk = 1
    world.fabrics = [[A, A2, B, B2]]  # merged: the DR array hangs on two trunks, each needed by its pairs
    proof = prove(world.estate())
    pair = next(pair for pair in proof.pairs(proof.cells[H1, f"3{lun(2, DR)}"]) if "a10100" in pair[0])
    assert "trunk 1 of SWA1 to SWA2" in {proof.label(one) for one in proof.runs_over(H1, pair)}
