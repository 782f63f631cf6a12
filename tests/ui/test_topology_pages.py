"""The pages of topology and redundancy: what they say, draw, link and export, and what a loss does to them."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from inventory.models import Device, Host, Look
from inventory.services import pages_topology, proving
from tests.ui import san_scene, world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forgotten():
    """Processes keep proofs; tests share one process and begin with none."""
    proving._kept.clear()
    pages_topology._kept.clear()


@pytest.fixture
def engine():
    made = world.build("healthy")
    san_scene.declare(made)
    return made


@pytest.fixture
def estate(engine):
    """A healthy SAN, proven."""
    san = san_scene.san(engine)
    san_scene.tell(engine, san)
    return san


def text(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_without_devices_one_sentence_says_what_to_declare(reader):
    world.build("healthy")
    for path in ("/topology/", "/redundancy/"):
        answer = reader.get(path)
        assert "Declare the switches and arrays of the SAN under Devices" in text(answer)
        assert 'href="/devices/"' in answer.content.decode()
    assert reader.get("/topology.svg").status_code == 404
    assert reader.get("/topology.png").status_code == 404


def test_before_the_first_proof_the_page_says_that_it_is_being_made(reader, engine):
    assert "The first proof is being made" in text(reader.get("/topology/"))


def test_a_healthy_estate_is_drawn_with_links_to_everything(reader, estate):
    page = reader.get("/topology/").content.decode()
    assert "Every LUN survives the loss of any one element" in page
    assert "So since <time" in page
    for row in [*Host.objects.all(), *Device.objects.all()]:
        kind = "hosts" if isinstance(row, Host) else "devices"
        assert f'<a href="/{kind}/{row.pk}/"' in page, row
    assert page.count('class="wire live"') >= 4
    assert 'class="wire down"' not in page.split('class="legend')[0]


def test_a_dark_fabric_is_named_and_drawn_as_lost(reader, engine, estate):
    for end in [*estate.hbas, *estate.targets]:
        end.up = end.switch != san_scene.SWITCHES["B"]
    san_scene.tell(engine, estate)
    page = reader.get("/topology/").content.decode()
    drawing = page.split('class="legend')[0]
    assert "Fabric SWB1 carries nothing, all paths run over fabric SWA1" in page
    assert drawing.count("wire down") == 6  # two hosts, two arrays with two ports each on fabric B
    assert "kvm01 says Linkdown" in page


def test_a_controller_that_everything_hangs_on_is_named(reader, engine, estate):
    only = {target.wwpn for target in estate.targets if target.controller == "0A"}
    estate.zoned = {pair for pair in estate.zoned if pair[1] in only}
    san_scene.tell(engine, estate)
    page = text(reader.get("/topology/"))
    assert re.search(r"Controller 0A of \S+ and 1 more are single points of failure", page)  # with its I/O module
    table = text(reader.get("/redundancy/"))
    assert "2 single points of failure" in table
    assert "CONTROLLER_NOT_ZONED" in table


def test_a_switch_that_says_nothing_is_drawn_where_it_stood_and_not_known(reader, engine, estate):
    san_scene.tell(engine, estate, silent=("SWB1",))
    answer = reader.get("/topology/")
    page = answer.content.decode()
    assert re.search(r'<rect class="switch unknown"', page)
    assert "SWB1 does not answer on 127.0.0.1 port 443: see its console." in page
    assert 'class="switch ok' in page  # the other one


def test_a_loss_is_struck_through_and_everything_that_dies_is_named(reader, estate):
    page = reader.get(f"/topology/?without=switch:{san_scene.SWITCHES['A']}&without=controller:{san_scene.PROD}/0A")
    words = text(page)
    assert "If: nothing stops" in words
    assert "LUNs that then hang on one element" in words
    assert page.content.decode().count("struck") > 4
    all_gone = "&".join(f"without=switch:{wwn}" for wwn in san_scene.SWITCHES.values())
    words = text(reader.get(f"/topology/?{all_gone}"))
    assert "8 LUNs on 2 hosts would lose all paths" in words
    assert re.search(r"VMs that no host can serve hosted_storage ?, oradb01 ?, oradb02", words)
    assert re.search(r"kvm02 0 of 4 ?: he_sd ?, ", words)


def test_what_nothing_runs_over_is_said_and_no_word_breaks_the_page(reader, estate):
    words = text(reader.get("/topology/?without=switch:feed&without=nonsense&without=%3Cb%3E:x&layer=moon"))
    assert "Nothing is known to run over switch feed" in words
    assert "Nothing is known to run over nonsense" in words


def test_put_back_and_toggle_links_keep_the_rest(reader, estate):
    page = reader.get(f"/topology/?layer=seen&without=switch:{san_scene.SWITCHES['A']}").content.decode()
    other = f"controller%3A{san_scene.PROD}%2F0A"
    assert f"/topology/?layer=seen&amp;without=switch%3A{san_scene.SWITCHES['A']}&amp;without={other}" in page
    assert 'href="/topology/?layer=seen"' in page


def test_the_svg_stands_alone_and_holds_no_class(reader, estate):
    answer = reader.get("/topology.svg?theme=dark")
    assert answer["Content-Type"].startswith("image/svg+xml")
    assert "attachment" in answer["Content-Disposition"]
    body = answer.content.decode()
    ElementTree.fromstring(body)
    assert "var(" not in body
    assert "class=" not in body
    assert "light-dark" not in body
    assert "http" not in body.replace("http://www.w3.org/2000/svg", "")
    assert "olvm-engine, live, as of" in body


def test_the_png_has_the_pictures_size(reader, estate):
    answer = reader.get("/topology.png")
    image = Image.open(BytesIO(answer.content))
    drawn = re.search(r'width="(\d+)" height="(\d+)"', reader.get("/topology.svg").content.decode())
    assert image.size == (int(drawn[1]) * 2, int(drawn[2]) * 2)
    assert len(image.convert("RGB").getcolors(1_000_000)) > 8


def test_a_proof_that_is_too_old_is_not_believed(reader, estate):
    Look.objects.filter(probe="redundancy").update(at=timezone.now() - timedelta(hours=1))
    assert "too old to be believed" in text(reader.get("/topology/"))
    assert "too old to be believed" in text(reader.get("/redundancy/"))
    assert "Too old to be believed." in reader.get("/topology.svg").content.decode()


def test_the_proof_in_tables(reader, estate):
    words = text(reader.get("/redundancy/"))
    assert "Every LUN survives the loss of any one element" in words
    assert re.search(r"switch SWA1 Survived", words)
    assert re.search(r"array \S+ not counted If array \S+ dies, the LUNs that it alone serves die with it", words)
    assert re.search(r"kvm01 not counted If kvm01 dies, its own paths die with it", words)
    assert "oradb01" in words
    assert "The three layers know the same paths" in words


def test_where_the_layers_differ_is_shown(reader, engine, estate):
    lost = next(pair for pair in estate.zoned if pair[1] in world.TARGETS["A"])
    Look.objects.filter(probe="fc_ports", host__name="kvm01").update(state="unanswered", sentence="kvm01 is silent.")
    estate.zoned.discard(lost)
    san_scene.tell(engine, estate)
    words = text(reader.get("/redundancy/"))
    assert "Designed Logged in Seen" in words
    assert re.search(r"ora_data01 kvm0[12] 3 3 4", words)


@pytest.mark.parametrize("hosts", [2, 50])
def test_at_most_ten_queries_whatever_the_size(hosts, reader):
    engine = world.build("calm", hosts)
    san_scene.declare(engine)
    san_scene.tell(engine, san_scene.san(engine))
    counts = {}
    for path in ("/topology/", "/redundancy/", "/topology.svg", f"/topology/?without=switch:{san_scene.SWITCHES['A']}"):
        reader.get(path)
        with CaptureQueriesContext(connection) as queries:
            answer = reader.get(path)
        assert answer.status_code == 200
        counts[path] = len(queries)
    assert {path: number for path, number in counts.items() if number > 10} == {}


def test_the_proof_over_the_api(reader, engine, estate):
    told = reader.get("/api/v1/redundancy/").json()
    assert (told["outcome"], told["too_old"], told["engine"]) == ("ok", False, engine.pk)
    assert {one["name"] for one in told["vms"]} >= {"oradb01", "oradb02"}
    switches = [one["id"] for one in told["elements"] if one["kind"] == "switch"]
    assert sorted(switches) == [f"switch:{wwn}" for wwn in san_scene.SWITCHES.values()]
    Look.objects.filter(probe="redundancy").update(at=timezone.now() - timedelta(hours=1))
    assert reader.get("/api/v1/redundancy/").json()["outcome"] == "unknown"


def test_what_if_over_the_api(reader, estate):
    one, other = (f"switch:{wwn}" for wwn in san_scene.SWITCHES.values())
    told = reader.get("/api/v1/redundancy/what-if/", {"without": [one, other, "nonsense"]}).json()
    assert len(told["lost"]) == 2 * len(world.LUNS)
    assert {"oradb01", "oradb02", "HostedEngine"} <= set(told["vms_lost"])
    assert told["strange"] == ["nonsense"]
    told = reader.get("/api/v1/redundancy/what-if/", {"without": one}).json()
    assert told["lost"] == []
    assert len(told["weakened"]) == 2 * len(world.LUNS)
    assert told["weakened"][0]["after"] == 2


def test_without_a_proof_the_api_says_so(reader):
    world.build("healthy")
    answer = reader.get("/api/v1/redundancy/")
    assert answer.status_code == 404
    assert "declare switches and arrays" in answer.content.decode()


def test_a_host_that_is_taken_away_loses_no_lun_for_the_others(estate, reader):
    """Its LUNs have no path there, which says nothing of them."""
    page = text(reader.get("/topology/?without=host:kvm01"))
    assert "If: kvm01 would be gone, every LUN keeps its redundancy" in page
    assert "Hosts that are gone" in page
    assert "No LUN loses its last path" in page
    assert "0 of 4 per host" not in page
    told = reader.get("/api/v1/redundancy/what-if/?without=host:kvm01").json()
    assert told["hosts_gone"] == ["kvm01"]
    assert {one["host"] for one in told["lost"]} == {"kvm01"}
    both = text(reader.get("/topology/?without=host:kvm01&without=host:kvm02"))
    assert "If: 2 hosts would be gone" in both
    assert "VMs that no host can serve" in both
