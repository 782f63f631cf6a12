"""The readers of multipath's text, JSON, raw lines and of dmsetup, against every published and measured sample."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.probes import multipath_text
from inventory.probes.reading.multipath import MapFact, PathFact, size_fits, wwpn
from inventory.probes.reading.multipath_json import read_maps
from inventory.probes.reading.multipath_kernel import read_dmsetup, read_fc_hosts, read_raw_paths
from inventory.probes.reading.multipath_text import read_text
from portal.kernel import facts as stored
from portal.kernel.outcome import Outcome
from portal.kernel.output import Output, ParseError
from portal.kernel.probe import Declared
from tests.samples_dir import cases

CASES = cases("multipath")
TEXTS = [name for name, case in CASES.items() if case.expected["kind"] == "text"]
JSONS = [name for name, case in CASES.items() if case.expected["kind"] == "json"]
FC_OK = CASES["json_fc_vm_ok"].output().stdout.decode()
TEXT_OK = CASES["fc_vm_ok"].output().stdout.decode()


def text(name: str) -> str:
    return CASES[name].output().text()


def counts(maps: tuple[MapFact, ...]) -> dict[str, int]:
    """Counted by the rule that expected.json states."""
    paths = [path for one in maps for path in one.paths]
    bad = ("faulty", "failed", "i/o timeout", "shaky")
    return {
        "maps": len(maps),
        "paths": len(paths),
        "failed_paths": sum(p.dm == "failed" or p.checker in bad or p.device == "offline" for p in paths),
        "missing_device_paths": sum(path.vanished for path in paths),
    }


@pytest.mark.parametrize("name", TEXTS)
def test_text_counts(name):
    expected = {key: value for key, value in CASES[name].expected.items() if key not in ("kind", "note")}
    assert counts(read_text(text(name)).maps) == expected


@pytest.mark.parametrize("name", [name for name in JSONS if name != "json_deprecation_only"])
def test_json_counts(name):
    expected = {key: value for key, value in CASES[name].expected.items() if key not in ("kind", "note")}
    assert counts(read_maps(text(name))) == expected


def test_warnings_instead_of_json_are_no_empty_list():
    with pytest.raises(ParseError, match="no JSON object"):
        read_maps(text("json_deprecation_only"))


# How many paths of each published sample are wholly well: everything else is down or unclear, never up.
UP = {
    "dell_compellent_rhel7": 4,
    "fc_vm_fabric_down_8s": 1,
    "fc_vm_ok": 2,
    "huawei_aliases_two_paths": 6,
    "huawei_dorado_debian_multibus": 4,
    "huawei_single_path_mixed_local": 3,
    "huawei_sles12_alua_warning": 4,
    "ibm1814_ghost": 8,
    "insights_v4_el6_mixed": 26,
    "md32xxi_ghost_80T": 8,
    "perl01_ipstor_ok": 8,
    "perl02_ipstor_path_missing": 7,
    "perl08_ipstor_failed_states_EDITED": 2,
    "proware_four_groups": 4,
    "synthetic_like_unity_failed_DOC": 5,
    "vm_ok_pipe": 4,
}


@pytest.mark.parametrize("name", TEXTS)
def test_only_good_words_make_a_path_up(name):
    assert sum(one.count("up") for one in read_text(text(name)).maps) == UP.get(name, 0)


def test_names_wwids_vendors_and_sizes():
    (one,) = read_text(text("hp_hsv210_el5")).maps
    assert (one.name, one.wwid, one.vendor, one.product) == (
        "mpath86",
        "3600508b4001072a10003900027800000",
        "HP",
        "HSV210",
    )
    assert (one.size_text, one.write_protect, one.features) == ("1.0G", "rw", "1 queue_if_no_path")
    (old,) = read_text(text("perl18_rhel4_syntax")).maps
    assert (old.name, old.size_text, old.paths[0].dm, old.paths[0].checker) == ("MYVOLUME", "576 GB", "active", "")
    (ws,) = [one for one in read_text(text("ibm1814_ghost")).maps if one.name == "mpath3"]
    assert (ws.vendor, ws.product, ws.sysfs) == ("IBM", "1814      FAStT", "dm-0")
    assert {one.name for one in read_text(text("insights_v4_el6_mixed")).maps} > {"1IET     00080001"}


def test_checker_words_with_a_blank():
    shown = TEXT_OK.replace("active ready  running", "active i/o pending running", 1)
    shown = shown.replace("active ready running", "failed i/o timeout running", 1)
    (one,) = read_text(shown).maps
    assert {path.checker for path in one.paths} & {"i/o pending", "i/o timeout"}
    assert one.count("up") < 2


def test_actions_and_colours_around_a_header():
    raw = TEXT_OK.encode().replace(b"3600140", b"\x1b[1mcreate: 3600140", 1).replace(b"XSG1\n", b"XSG1\x1b[0m\n", 1)
    (one,) = read_text(Output(raw, b"", 0).text()).maps
    assert one.wwid == "360014056a35324100e5c7d408d052660"


@pytest.mark.parametrize(
    "cut",
    [
        "size=64M features='0' hwhandler='0' wp=rw\n",
        TEXT_OK.split("size=")[0],
        TEXT_OK.rstrip().rsplit(" ", 1)[0].rstrip() + "\n",
    ],
)
def test_a_cut_text_is_refused(cut):
    with pytest.raises(ParseError):
        read_text(cut)


def test_a_path_before_any_map_is_noise():
    assert read_text("  `- 0:0:0:1 sdb 8:16 active ready running\n").maps == ()


@given(st.integers(0, len(FC_OK.rstrip()) - 1))
def test_no_cut_json_is_read(cut):
    with pytest.raises(ParseError):
        read_maps(FC_OK[:cut])


@given(st.integers(0, len(FC_OK) - 1), st.text(max_size=2))
def test_mutated_json_never_gains_paths(at, put):
    try:
        maps = read_maps(FC_OK[:at] + put + FC_OK[at + 1 :])
    except ParseError:
        return
    assert sum(one.count("up") for one in maps) <= 2


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(words):
    for reader in (read_text, read_maps, read_raw_paths, read_dmsetup, read_fc_hosts):
        try:
            reader(words)
        except ParseError as error:
            assert str(error)  # noqa: PT017 - whichever reader refuses says why


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("", "no JSON object"),
        ("ok\n", "said ok"),
        ("fail\n", "command failed"),
        ("timeout receiving packet\n", "in time"),
        ("permission deny: need to be root\n", "as root"),
        ("error receiving packet\n", "not running"),
        ("ux_socket_connect: Connection refused\n", "not running"),
        ('{"major_version": 0}\n', "no list of maps"),
        ('{"maps": [], "map": {}}\n', "no list of maps"),
        ('{"maps": {}}\n', "no list of maps"),
        ('{"maps": [3]}\n', "no object"),
        ('{"maps": [{"uuid": "3600"}]}\n', "path_groups"),
        ('{"maps": [{"uuid": "", "name": "a", "path_groups": []}]}\n', "uuid"),
        ('{"maps": [{"uuid": "1", "name": "a", "path_groups": [3]}]}\n', "paths"),
        ('{"maps": [{"uuid": "1", "name": "a", "path_groups": [{"paths": [3]}]}]}\n', "no object"),
        ('{"maps": [{"uuid": "1", "name": "a", "path_groups": [{"paths": [{"dev": "sda"}]}]}]}\n', "dev_t"),
        (json.dumps({"maps": [{"uuid": "1", "name": "a", "path_groups": []}] * 2}), "twice"),
    ],
)
def test_json_that_is_no_list_of_maps(answer, words):
    with pytest.raises(ParseError, match=words):
        read_maps(answer)


def test_a_warning_beside_the_json_is_no_refusal():
    assert read_maps("error parsing config line 3\n" + FC_OK) == read_maps(FC_OK)


def test_strings_of_the_json_are_not_escaped_by_its_writer():
    (one,) = read_maps(FC_OK.replace('"XSG1', '"X\tSG1', 1))
    assert one.product == "X\tSG1"


def test_native_nvme_maps_are_not_of_device_mapper():
    foreign = (
        "uuid.f5a1c3d2-0000-4000-8000-000000000001 [nvme]:nvme1n1 NVMe,Linux,6.1.0\n"
        "size=20971520 features='n/a' hwhandler='ANA' wp=rw\n"
        "|-+- policy='n/a' prio=50 status=optimized\n"
        "| `- 1:2:1     nvme1c2n1 0:0 n/a   optimized    live\n"
    )
    alone = read_text(TEXT_OK).maps
    assert read_text(foreign + TEXT_OK).maps == read_text(TEXT_OK + foreign).maps == alone
    assert read_text(foreign).maps == ()


def test_json_words():
    (one,) = read_maps(
        FC_OK.replace('"marginal_st" : "normal"\n         },{', '"marginal_st" : "marginal"\n         },{')
    )
    assert [path.marginal for path in one.paths] == [True, False]
    assert (one.paths[0].hba_wwpn, one.paths[0].target_wwpn) == ("2000020000000a00", "2000020000000a01")
    (padded,) = read_maps(text("json_ubiquity_session_all"))
    assert (padded.vendor, padded.product, padded.paths[0].hba_wwpn) == ("IBM", "2145", "")
    assert (
        read_maps(FC_OK.replace('"pri" : 50,\n            "host_wwnn"', '"pri" : "x",\n            "host_wwnn"'))[0]
        .paths[0]
        .priority
        is None
    )


def test_raw_paths():
    first, second = read_raw_paths("12.3 | some warning\n" + text("paths_fc_vm_raw"))
    assert (first.dev, first.hctl, first.dev_t, first.size) == ("sda", "0:0:0:1", "8:0", "64M")
    assert second.hba_wwpn == "2000020000000b00"
    (orphan,) = read_raw_paths(
        "sdz|5:0:0:0|65:144|undef|ready|unknown|1|64M|[orphan]|36001|0x2000020000000b00|[undef]\n"
    )
    assert (orphan.map_name, orphan.target_wwpn) == ("", "")
    padded = "\n".join(" | ".join(line.split("|")) for line in text("paths_fc_vm_raw").splitlines())
    assert read_raw_paths(padded) == (first, second)
    assert read_raw_paths("Nov 25 10:00:01 | sda: using deprecated getuid\n" + padded) == (first, second)
    assert read_raw_paths("") == ()
    assert read_raw_paths("ok\n") == ()
    with pytest.raises(ParseError, match="cut"):
        read_raw_paths(text("paths_fc_vm_raw")[:100])
    with pytest.raises(ParseError, match="timeout receiving packet"):
        read_raw_paths("timeout receiving packet\n")


def test_dmsetup():
    first, second = read_dmsetup(text("dmsetup_vm_status_ok"))
    assert (first.name, first.size) == ("350014057d0526601", 64 * 2**20)
    assert [(path.dev_t, path.state, path.failures) for path in second.paths] == [("8:0", "A", 0), ("8:32", "A", 0)]
    assert read_dmsetup("No devices found\n") == ()
    (none,) = read_dmsetup("mpatha: 0 100 multipath 2 1 0 0 0 0 \n")
    assert none.paths == ()
    two = "m: 0 8 multipath 2 0 1 1 alua 2 1 A 0 1 1 8:0 F 3 1 E 0 1 1 8:16 A 0 1 \n"
    assert [path.state for path in read_dmsetup(two)[0].paths] == ["F", "A"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "350014057d0526601: 0 131072 multipath 2 0 0 0 1 1 A 0 2 2 8:16 A 0 0 1 8:48 A 0 0\n",
        "350014057d0526601: 0 131072 multipath 2 0 0 0 1 1 A 0 2 2 8:16 A 0 0 1 8:48 X 0 0 1\n",
        "350014057d0526601: 0 131072 multipath 2 0 0 0 1 1 A 0 1 2 8:16 A 0 0 1 8:48 A 0 0 1\n",
        "350014057d0526601: 0 131072 linear 8:0 0\n",
        "hello\n",
    ],
)
def test_dmsetup_that_cannot_be_followed(line):
    with pytest.raises(ParseError):
        read_dmsetup(line)


def test_fc_hosts():
    lines = (
        "/sys/class/fc_host/host1/port_name:0x2100f4e9d4565a10\n/sys/class/fc_host/host1/port_state:Online\n"
        "/sys/class/fc_host/host1/speed:32 Gbit\n/sys/class/fc_host/host1/fabric_name:0x100050eb1a000001\n"
        "/sys/class/fc_host/host2/port_name:0x2100f4e9d4565a11\n/sys/class/fc_host/host2/port_state:Linkdown\n"
        "/sys/class/fc_host/host2/fabric_name:0xffffffffffffffff\n/sys/class/fc_host/host3/port_state:Online\nnoise\n"
    )
    one, two = read_fc_hosts(lines)
    assert (one.host, one.wwpn, one.state, one.speed, one.fabric) == (
        "host1",
        "2100f4e9d4565a10",
        "Online",
        "32 Gbit",
        "100050eb1a000001",
    )
    assert (two.state, two.speed, two.fabric) == ("Linkdown", "", "")
    assert read_fc_hosts("") == ()


def test_wwpn_spellings():
    assert wwpn("0x2100F4E9D4565A10") == wwpn("21:00:f4:e9:d4:56:5a:10") == wwpn(" 2100f4e9d4565a10 ")
    assert [wwpn(word) for word in ("[undef]", "[unknown]", "", "0x0", "0x0000000000000000", "0x21")] == [""] * 6


@pytest.mark.parametrize(
    ("shown", "size", "fits"),
    [
        ("64M", 64 * 2**20, True),
        ("64M", 96 * 2**20, False),
        ("1.0T", 2**40, True),
        ("1000G", 1000 * 2**30, True),
        ("576 GB", 576 * 2**30, True),
        ("[invalid]", 5, None),
    ],
)
def test_sizes(shown, size, fits):
    assert size_fits(shown, size) is fits


def path(**changes: str) -> PathFact:
    words = {"dev": "sda", "dev_t": "8:0", "dm": "active", "checker": "ready", "device": "running"} | changes
    return PathFact(**words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({}, "up"),
        ({"checker": "ghost", "kernel": "A"}, "up"),
        ({"kernel": "F"}, "down"),
        ({"kernel": "-"}, "down"),
        ({"dm": "failed"}, "down"),
        ({"checker": "i/o timeout"}, "down"),
        ({"device": "transport-offline"}, "down"),
        ({"port": "Linkdown"}, "down"),
        ({"port": "Online"}, "up"),
        ({"dev": "-"}, "down"),
        ({"dev_t": "#:#"}, "down"),
        ({"checker": "undef"}, "unclear"),
        ({"checker": "i/o pending"}, "unclear"),
        ({"checker": "nonsense"}, "unclear"),
        ({"dm": "undef"}, "unclear"),
        ({"device": "unknown"}, "unclear"),
        ({"kernel": "?"}, "unclear"),
    ],
)
def test_standing(changes, standing):
    assert path(**changes).standing == standing


# multipath_text, the slow probe


def slow(stdout: str, stderr: str = "", code: int = 0) -> dict[str, tuple[str, str]]:
    facts = multipath_text.parse({"text": Output(stdout.encode(), stderr.encode(), code)})
    assert stored.load(multipath_text.TextFacts, json.loads(json.dumps(stored.dump(facts)))) == facts
    said = multipath_text.judge(facts, Declared("kvm01"))
    return {one.check: (str(one.outcome), one.sentence) for one in said}


def test_text_as_evidence():
    assert slow(TEXT_OK)["text_paths"][0] == Outcome.OK
    assert slow(text("fc_vm_fabric_down_8s"))["text_paths"][0] == Outcome.FAIL
    assert slow(text("huawei_dash_l_unknown"))["text_paths"][0] == Outcome.UNKNOWN
    assert slow(text("perl03_ipstor_no_paths"))["text_paths"][0] == Outcome.FAIL


def test_text_warnings_are_faults():
    assert slow(TEXT_OK)["warnings"][0] == "ok"
    said = slow(TEXT_OK, "Warning: multipath devices exist, but multipathd service is not running\n")["warnings"]
    assert said[0] == "fail"
    assert "multipathd does not run" in said[1]
    changed = "sdb: path wwid appears to have changed. Using old wwid.\n"
    assert "remapped" in slow(changed + TEXT_OK)["warnings"][1]


@pytest.mark.parametrize(
    ("stdout", "code", "words"),
    [("", 0, "prints no map"), ("", 124, "did not end"), ("", 1, "exit code 1"), ("ok\n", 0, "prints no map")],
)
def test_text_without_maps_is_unknown(stdout, code, words):
    with pytest.raises(ParseError, match=words):
        slow(stdout, code=code)
