"""What the healthy SAN of the samples' estate answers equals the samples, but for the fields named here."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import pytest

from lab import faults
from lab.san import fos_answers, fos_cli, fos_version
from tests.fixtures_san import SAMPLES, ask, cli, rest, sample_world

# what moves by itself, or is a figure of the sample that follows from nothing
VOLATILE = {"date", "up-time", "time-generated", "in-frames", "out-frames", "in-octets", "out-octets", "checksum"}
TIMES = {"STARTTIME", "ENDTIME"}


@pytest.fixture(scope="module")
def world():
    return sample_world()


def differ(made: Any, sample: Any, loose: set[str], at: str = "") -> list[str]:
    """Where two bodies differ: keys and their order, types, values."""
    if type(made) is not type(sample):
        return [f"{at}: {made!r} and {sample!r}"]
    if isinstance(made, dict):
        if list(made) != list(sample):
            return [f"{at}: keys {list(made)} and {list(sample)}"]
        found = [differ(made[key], sample[key], loose, f"{at}/{key}") for key in made if key not in loose]
        found += [kinds(made, sample, key) for key in made if key in loose]
        return list(chain.from_iterable(found))
    if isinstance(made, list) and len(made) == len(sample):
        pairs = enumerate(zip(made, sample, strict=True))
        return list(chain.from_iterable(differ(a, b, loose, f"{at}/{n}") for n, (a, b) in pairs))
    return [] if made == sample else [f"{at}: {made!r} and {sample!r}"]


def kinds(made: dict[str, Any], sample: dict[str, Any], key: str) -> list[str]:
    return [] if type(made[key]) is type(sample[key]) else [f"{key}: {made[key]!r} and {sample[key]!r}"]


REST = {
    "chassis": "brocade-chassis/chassis",
    "fibrechannel-switch": "brocade-fibrechannel-switch/fibrechannel-switch",
    "fabric-switch": "brocade-fabric/fabric-switch",
    "fibrechannel": "brocade-interface/fibrechannel",
    "fibrechannel-statistics": "brocade-interface/fibrechannel-statistics",
    "fibrechannel-name-server": "brocade-name-server/fibrechannel-name-server",
    "media-rdp": "brocade-media/media-rdp",
    "effective-configuration": "brocade-zone/effective-configuration",
    "defined-configuration": "brocade-zone/defined-configuration",
}
REST_FILES = sorted(path.name for path in (SAMPLES / "brocade-rest").glob("*_[AB].json"))


def test_the_comparison_sees_what_differs():
    sample = {"a": [{"b": 1, "date": "x"}], "c": "1"}
    assert differ({"a": [{"b": 1, "date": "y"}], "c": "1"}, sample, VOLATILE) == []
    for made in ({"a": [{"b": 1, "date": 3}], "c": "1"}, {"a": [{"b": 2, "date": "x"}], "c": "1"}, {"c": "1"},
                 {"a": [], "c": "1"}, {"a": [{"b": 1, "date": "x"}], "c": 1},
                 {"c": "1", "a": [{"b": 1, "date": "x"}]}):  # fmt: skip
        assert len(differ(made, sample, VOLATILE)) == 1


def test_every_rest_sample_has_its_container():
    assert {name.rpartition("_")[0] for name in REST_FILES} == set(REST)


@pytest.mark.parametrize("name", REST_FILES)
def test_rest_of_a_switch(world, name: str):
    container, _, fabric = name.removesuffix(".json").rpartition("_")
    sample = json.loads((SAMPLES / "brocade-rest" / name).read_text("utf-8"))
    assert differ(rest(world, f"SW{fabric}1", REST[container]), sample, VOLATILE) == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("error-404-nothing-to-list", "brocade-maps/dashboard-rule"),
        ("error-400-no-licenses", "brocade-license/license"),
        ("error-400-invalid-uri", "brocade-fru/sensor"),
    ],
)
def test_errors_of_a_switch(world, name: str, path: str):
    sample = json.loads((SAMPLES / "brocade-rest" / f"{name}.json").read_text("utf-8"))
    with pytest.raises(fos_answers.Trouble) as raised:
        rest(world, "SWA1", path)
    assert raised.value.status == int(name.split("-")[1])
    assert raised.value.body(fos_version.VERSIONS["8.2.3"]) == sample


def test_an_error_of_the_first_releases_is_an_object():
    sample = json.loads((SAMPLES / "brocade-rest" / "error-object-form-old-fos.json").read_text("utf-8"))
    assert fos_answers.Trouble(404, "No entries found").body(fos_version.VERSIONS["8.2.1"]) == sample


CLI = {
    "switchshow_A": ("SWA1", "switchshow"),
    "switchshow_B": ("SWB1", "switchshow"),
    "cfgshow_A": ("SWA1", "cfgshow"),
    "cfgshow_B": ("SWB1", "zoneshow"),
    "cfgactvshow_A": ("SWA1", "cfgactvshow"),
    "cfgactvshow_B": ("SWB1", "cfgactvshow"),
    "nsshow-t_A": ("SWA1", "nsshow -t"),
    "nscamshow_empty": ("SWA1", "nscamshow -t"),
    "islshow_none": ("SWA1", "islshow"),
    "trunkshow_none": ("SWA1", "trunkshow"),
    "cfgtransshow_none": ("SWA1", "cfgtransshow"),
    "firmwareshow": ("SWA1", "firmwareshow"),
}


@pytest.mark.parametrize("name", CLI)
def test_shell_of_a_switch(world, name: str):
    assert cli(world, *CLI[name]) == (SAMPLES / "brocade-cli" / f"{name}.txt").read_text("utf-8")


@pytest.mark.parametrize("fabric", "AB")
def test_a_terminal_makes_blanks_of_tabs(world, fabric: str):
    sample = (SAMPLES / "brocade-cli" / f"cfgshow_{fabric}_tabs-expanded.txt").read_text("utf-8")
    assert fos_cli.on_terminal(cli(world, f"SW{fabric}1", "cfgshow")) == sample.replace("\n", "\r\n")


def test_shell_with_two_switches_per_fabric():
    world = sample_world(isl=True)
    for name in ("fabricshow", "islshow"):
        sample = (SAMPLES / "brocade-cli" / f"{name}_A_isl-variant.txt").read_text("utf-8")
        assert cli(world, "SWA1", name) == sample


def test_an_open_transaction_and_the_log_after_a_change_that_was_not_enabled():
    world = sample_world()
    faults.inject(world, "open-transaction", "A", {})
    assert cli(world, "SWA1", "cfgtransshow") == (SAMPLES / "brocade-cli" / "cfgtransshow_open.txt").read_text("utf-8")
    faults.inject(world, "zone-not-effective", "A", {})
    sample = (SAMPLES / "brocade-cli" / "errdump.txt").read_text("utf-8").splitlines()
    made = cli(world, "SWA1", "errdump").splitlines()
    assert [line[19:] for line in made] == [line[19:] for line in sample]  # the times differ
    assert len(made[2].partition(",")[0]) == len("2026/11/22-09:10:11")


def test_porterrshow_has_the_columns_of_the_sample(world):
    sample = (SAMPLES / "brocade-cli" / "porterrshow_A.txt").read_text("utf-8").splitlines()
    made = cli(world, "SWA1", "porterrshow").splitlines()
    assert made[:2] == sample[:2]
    assert made[3].replace("2.0g", "1.7g") == sample[3].replace("2.0g", "1.7g")  # port 1: no error at all
    assert [len(line) for line in made[2:4]] == [len(line) for line in sample[2:4]]
    assert len(made) == 2 + 24


ARRAY = {
    "system": ("system", {}),
    "controller": ("controller", {}),
    "fc_port": ("fc_port", {}),
    "lun": ("lun", {"range": "[0-100]"}),
    "host": ("host", {}),
    "fc_initiator_host0": ("fc_initiator", {"PARENTID": "0"}),
    "host_link_host0": ("host_link", {"INITIATOR_TYPE": "223", "PARENTID": "0"}),
    "lun_associate_host0": ("lun/associate", {"ASSOCIATEOBJTYPE": "21", "ASSOCIATEOBJID": "0"}),
    "REPLICATIONPAIR": ("REPLICATIONPAIR", {"range": "[0-100]"}),
    "CONSISTENTGROUP": ("CONSISTENTGROUP", {}),
    "remote_device": ("remote_device", {}),
}
ARRAY_FILES = sorted(path.stem for kind in ("prod", "dr") for path in (SAMPLES / "dorado-rest").glob(f"{kind}-*.json"))


@pytest.mark.parametrize("name", ARRAY_FILES)
def test_rest_of_an_array(world, name: str):
    array, _, resource = name.partition("-")
    path, query = ARRAY[resource]
    sample = json.loads((SAMPLES / "dorado-rest" / f"{name}.json").read_text("utf-8"))["data"]
    loose = TIMES if resource in ("REPLICATIONPAIR", "CONSISTENTGROUP") else set()
    assert differ(ask(world, array.upper(), path, **query), sample, loose) == []


def test_an_array_counts(world):
    assert ask(world, "PROD", "lun/count") == {"COUNT": "4"}
