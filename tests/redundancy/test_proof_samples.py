"""The bodies of samples/san, read as the connectors read them, proven."""

from __future__ import annotations

from inventory.redundancy.estate import Estate
from inventory.redundancy.evidence import Layer
from inventory.redundancy.judge import Word
from inventory.redundancy.lint import lint
from inventory.redundancy.proof import prove
from portal.connectors.san.reading import array_access, array_hardware
from portal.connectors.san.reading.array_body import heard, listed, one
from portal.kernel.san import ArraySeen
from tests.fixtures_san_devices import raw
from tests.redundancy.san_world import lun, standard
from tests.san.rest_seen import rest_seen


def rows(name):
    return listed(heard(200, raw(f"dorado-rest/prod-{name}.json")).data)


def array_seen() -> ArraySeen:
    """PROD as olvm-h1 (its host 0) is told of."""
    system = array_hardware.system(one(heard(200, raw("dorado-rest/prod-system.json")).data))
    return ArraySeen(
        system.serial,
        system.name,
        hosts=array_access.hosts(rows("host")),
        controllers=array_hardware.controllers(rows("controller")),
        ports=array_hardware.ports(rows("fc_port")),
        initiators=array_access.initiators(rows("fc_initiator_host0")),
        links=array_access.links(rows("host_link_host0"), "0"),
        luns=array_access.luns(rows("lun")),
        mapped=array_access.mapped(rows("lun_associate_host0"), "0", ()),
    )


def test_the_samples_prove_four_paths_each():
    host = standard().host("olvm-h1")
    estate = Estate(0.0, (host,), (rest_seen("A"), rest_seen("B")), (array_seen(),))
    proof = prove(estate)
    for number in (1, 2, 3, 4):
        cell = proof.cells["olvm-h1", f"3{lun(number)}"]
        for layer in Layer:
            judged = cell.layers[layer]
            assert (judged.word, judged.pairs, judged.residual) == (Word.GREEN, 4, 2), (layer, judged.why)
    assert "controller 0A of DORADO-PROD" in {one.label for one in proof.elements}
    assert {one.rule for one in lint(estate, None, proof)} <= {"UNREAD", "LUN_MAPPED_TO_ONE_HOST"}
