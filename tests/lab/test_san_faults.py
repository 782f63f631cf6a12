"""Every fault of the SAN: hosts, switches and arrays tell the same of it, and clearing it puts everything back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from lab import faults, life_storage, multipath, multipath_cli, sysfs
from lab.san import array_query, fos_answers
from lab.san.faults import FAULTS
from lab.world import World
from tests.fixtures_lab import host, pass_time, quiet_estate
from tests.fixtures_san import ask, cli, live, rest, spof
from tests.fixtures_san import sample_world as estate_of_samples

Pair = tuple[str, str]
SWITCHES = ("SWA1", "SWB1")


@pytest.fixture
def world() -> World:
    return quiet_estate()


def inject(world: World, name: str, target: str = "", **args: str) -> None:
    faults.inject(world, name, target, args)


def plain(wwn: str) -> str:
    return wwn.replace(":", "")


# --- the three views of who reaches the production array


def by_host(world: World, name: str, lun: str = "ora_data01") -> set[Pair]:
    reply = multipath_cli.PROGRAMS["multipathd"](world, host(world, name), ["multipathd", "show", "maps", "json"])
    wwid = next(one.wwid for one in world.luns.values() if one.name == lun)
    found = next(one for one in json.loads(reply.out)["maps"] if one["uuid"] == wwid)
    paths = [path for group in found["path_groups"] for path in group["paths"]]
    return {(path["host_wwpn"][2:], path["target_wwpn"][2:]) for path in paths if path["chk_st"] == "ready"}


def by_sysfs(world: World, name: str, array: str = "01") -> set[Pair]:
    tree = {path: raw.decode().strip() for path, raw in sysfs.tree(world, host(world, name)).items()}
    found = set()
    for path, text in tree.items():
        port = re.fullmatch(r"(/sys/class/fc_remote_ports/rport-(\d+):0-\d+)/port_state", path)
        if port and text == "Online" and tree[f"{port[1]}/port_name"].endswith(array):
            found.add((tree[f"/sys/class/fc_host/host{port[2]}/port_name"][2:], tree[f"{port[1]}/port_name"][2:]))
    return found


def by_switches(world: World, name: str, array: str = "01") -> set[Pair]:
    """Logged in to one fabric and in one effective zone."""
    own = {hba.wwpn for hba in host(world, name).hbas}
    found = set()
    for switch in SWITCHES:
        if not world.san.design.switches[switch].power:
            continue
        logins = {
            plain(row["port-name"]) for row in listed(world, switch, "brocade-name-server/fibrechannel-name-server")
        }
        zones = rest(world, switch, "brocade-zone/effective-configuration")["Response"]["effective-configuration"]
        for zone in zones["enabled-zone"]:
            members = {plain(one) for one in zone["member-entry"]["entry-name"]} & logins
            principals = {plain(one) for one in zone["member-entry"].get("principal-entry-name", ())} & logins
            talk = principals if zone["zone-type"] else members
            found |= {(i, t) for i in members & own for t in talk if t.startswith("20") and t.endswith(array)}
    return found


def by_array(world: World, name: str, array: str = "PROD") -> set[Pair]:
    number = str(list(world.hosts).index(name))
    rows = ask(world, array, "host_link", INITIATOR_TYPE="223", PARENTID=number) or []
    return {(row["INITIATOR_PORT_WWN"], row["TARGET_PORT_WWN"]) for row in rows}


def listed(world: World, switch: str, path: str) -> list[dict]:
    try:
        return next(iter(rest(world, switch, path)["Response"].values()))
    except fos_answers.Trouble as trouble:
        return [] if trouble.status == 404 else [{"status": trouble.status}]


def everything(world: World) -> Iterator[object]:
    """All that the devices and hosts tell, without what moves by itself and what is counted for ever."""
    moving = {"date", "up-time", "time-generated", "STARTTIME", "ENDTIME", "LOSTSYNC", "LOSTSIGNALS", "LINKFAIL",
              "BADCRCNUM"}  # fmt: skip
    for name, switch in world.san.design.switches.items():
        for path in ("chassis/chassis", "fibrechannel-switch/fibrechannel-switch", "interface/fibrechannel",
                     "name-server/fibrechannel-name-server", "zone/effective-configuration",
                     "zone/defined-configuration", "media/media-rdp"):  # fmt: skip
            yield strip(listed(world, name, f"brocade-{path}"), moving)
        for command in ("switchshow", "cfgshow", "nsshow -t", "cfgtransshow", "sfpshow -all", "islshow"):
            yield cli(world, name, command)
        yield switch.address
    for array in ("PROD", "DR"):
        for path in ("system", "controller", "fc_port", "lun", "fc_initiator", "REPLICATIONPAIR", "CONSISTENTGROUP",
                     "remote_device", "mappingview", "alarm/currentalarm"):  # fmt: skip
            yield strip(ask(world, array, path), moving)
        for n in ("0", "1"):
            yield ask(world, array, "host_link", INITIATOR_TYPE="223", PARENTID=n)
            yield ask(world, array, "lun/associate", ASSOCIATEOBJTYPE="21", ASSOCIATEOBJID=n)
    for one in world.hosts.values():
        yield {path: raw for path, raw in sysfs.tree(world, one).items() if "statistics" not in path}
        reply = multipath_cli.PROGRAMS["multipath"](world, one, ["multipath", "-ll"])
        yield reply.out
    yield sorted(world.luns)


def strip(value: object, names: set[str]) -> object:
    if isinstance(value, dict):
        return {key: strip(one, names) for key, one in value.items() if key not in names}
    return [strip(one, names) for one in value] if isinstance(value, list) else value


TARGETS = {"host": "kvm01", "fabric": "A", "switch": "SWA1", "array": "DORADO-PROD", "switch or array": "SWA1"}
ARGS = {"errors-rising": {"port": "4"}, "disable-port": {"port": "4"}, "weak-light": {"port": "0"}}
NEEDS_ISL = {"isl-lost"}
LASTING = [name for name, fault in FAULTS.items() if fault.event is None]


@pytest.mark.parametrize("name", LASTING)
def test_hosts_switches_and_arrays_agree_and_clearing_puts_everything_back(name: str):
    world = quiet_estate(isl=name in NEEDS_ISL)
    before = list(everything(world))
    inject(world, name, TARGETS.get(FAULTS[name].target, ""), **ARGS.get(name, {}))
    pass_time(world, 100)
    for one in world.hosts:
        carried = by_switches(world, one)
        assert by_sysfs(world, one) == carried, one
        if name != "wrong-initiators":
            assert by_array(world, one) == carried, one
        allowed = {pair for pair in carried if name != "port-group" or pair[1].startswith("200")}
        assert by_host(world, one, "he_sd") == allowed, one
    faults.clear(world)
    pass_time(world, 400)  # a resynchronisation takes its time
    assert list(everything(world)) == before


@pytest.mark.parametrize(
    ("name", "target", "args", "left"),
    [
        ("cable-host", "kvm01", {"fabric": "A"}, {"kvm01": 2, "kvm02": 4}),
        ("cable-array", "DORADO-PROD", {"port": "CTE0.A.IOM0.P0"}, {"kvm01": 3, "kvm02": 3}),
        ("fail-controller", "DORADO-PROD", {"controller": "0B"}, {"kvm01": 2, "kvm02": 2}),
        ("fail-switch", "SWA1", {}, {"kvm01": 2, "kvm02": 2}),
        ("fail-switch", "SWB1", {"how": "disable"}, {"kvm01": 2, "kvm02": 2}),
        ("pull-fabric", "A", {}, {"kvm01": 2, "kvm02": 2}),
        ("pull-fabric", "B", {"host": "kvm02"}, {"kvm01": 4, "kvm02": 2}),
        ("disable-port", "SWA1", {"port": "1"}, {"kvm01": 4, "kvm02": 2}),
        ("zone-typo", "kvm02", {"fabric": "B"}, {"kvm01": 4, "kvm02": 2}),
        ("zone-not-effective", "A", {"array": "PROD", "host": "kvm01"}, {"kvm01": 2, "kvm02": 4}),
        ("one-controller-zoned", "DORADO-PROD", {}, {"kvm01": 2, "kvm02": 2}),
        ("port-group", "DORADO-PROD", {}, {"kvm01": 2, "kvm02": 2}),
        ("alias-swap", "A", {}, {"kvm01": 4, "kvm02": 4}),
        ("dr-not-zoned", "B", {}, {"kvm01": 4, "kvm02": 4}),
        ("big-zone", "A", {}, {"kvm01": 4, "kvm02": 4}),
        ("peer-zones", "A", {}, {"kvm01": 4, "kvm02": 4}),
    ],
)
def test_what_is_left_and_how_it_vanishes(world: World, name: str, target: str, args: dict, left: dict):
    inject(world, name, target, **args)
    pass_time(world, 15)
    for one, count in left.items():
        first = multipath.maps(world, host(world, one))[0]
        assert (first.up, len(first.paths)) == (count, 4), "a lost path is failed first"
    pass_time(world, 70)
    for one, count in left.items():
        first = multipath.maps(world, host(world, one))[0]
        assert (first.up, len(first.paths)) == (count, count), "and then it is gone"
    faults.clear(world, name)
    assert {len(one.paths) for one in multipath.maps(world, host(world))} == {4}


def test_two_faults_and_one_cleared(world: World):
    inject(world, "cable-host", "kvm01", fabric="A")
    inject(world, "one-controller-zoned", "DORADO-PROD", controller="0A")
    pass_time(world, 100)
    assert len(by_host(world, "kvm01")) == 1
    faults.clear(world, "cable-host")
    assert by_host(world, "kvm01") == {
        ("100000109ba10100", "20083400a30d0001"),
        ("100000109ba20100", "20093400a30d0001"),
    }
    assert by_array(world, "kvm01") == by_host(world, "kvm01")


def test_a_host_that_boots_into_a_cut_fabric_has_no_failed_paths(world: World):
    inject(world, "fail-switch", "SWA1")
    inject(world, "power-off", "kvm02")
    assert by_array(world, "kvm02") == set()
    logged = {row["port-name"] for row in listed(world, "SWB1", "brocade-name-server/fibrechannel-name-server")}
    assert "10:00:00:10:9b:a2:02:00" not in logged
    faults.clear(world, "power-off")
    pass_time(world, 60)
    assert {len(one.paths) for one in multipath.maps(world, host(world, "kvm02"))} == {2}
    ports = [path for path in sysfs.tree(world, host(world, "kvm02")) if "/rport-1:" in path]
    assert ports == [], "it has never met a target there"
    faults.clear(world)
    assert {len(one.paths) for one in multipath.maps(world, host(world, "kvm02"))} == {4}


# --- what each says of it


def test_a_lost_link_is_counted_at_both_ends_and_stays_counted(world: World):
    inject(world, "cable-array", "DORADO-PROD", port="CTE0.B.IOM0.P1")
    row = next(row for row in listed(world, "SWB1", "brocade-interface/fibrechannel") if row["name"] == "0/5")
    assert (row["physical-state"], row["port-type"], row["neighbor"]) == ("no_light", 11, {})
    shown = cli(world, "SWB1", "portshow 5")
    assert "portPhys:  4    No_Light        portScn:   0\n" in shown
    assert "state transition count:    3\n" in shown
    assert "   5   5   020500   id    N32      No_Light    FC  \n" in cli(world, "SWB1", "switchshow")
    port = next(row for row in ask(world, "PROD", "fc_port") if row["LOCATION"] == "CTE0.B.IOM0.P1")
    assert (port["RUNNINGSTATUS"], port["RUNSPEED"], port["HEALTHSTATUS"]) == ("11", "-1", "1")
    assert [row["location"] for row in ask(world, "PROD", "alarm/currentalarm")] == ["CTE0.B.IOM0.P1"]
    faults.clear(world)
    assert ask(world, "PROD", "alarm/currentalarm") is None
    counts = next(r for r in listed(world, "SWB1", "brocade-interface/fibrechannel-statistics") if r["name"] == "0/5")
    assert (counts["link-failures"], counts["loss-of-sync"], counts["crc-errors"]) == (1, 1, 0)
    assert next(r for r in ask(world, "PROD", "fc_port") if r["LOCATION"] == "CTE0.B.IOM0.P1")["LINKFAIL"] == "1"


def test_errors_rise_at_both_ends_and_stop(world: World):
    inject(world, "errors-rising", "SWA1", port="0", rate="10")
    pass_time(world, 60)
    counts = next(r for r in listed(world, "SWA1", "brocade-interface/fibrechannel-statistics") if r["name"] == "0/0")
    assert (counts["crc-errors"], counts["encoding-errors-outside-frame"]) == (600, 1800)
    tree = sysfs.tree(world, host(world))
    assert tree["/sys/class/fc_host/host1/statistics/invalid_crc_count"] == b"0x12c\n"
    assert "Invalid_crc:       600\n" in cli(world, "SWA1", "portshow 0")
    line = cli(world, "SWA1", "porterrshow").splitlines()[2].split()
    assert (line[4], line[9]) == ("600", "1.8k")
    assert re.search(r"^er_crc\s+600\s", cli(world, "SWA1", "portstatsshow 0"), re.MULTILINE)
    faults.clear(world)
    pass_time(world, 60)
    assert sysfs.tree(world, host(world))["/sys/class/fc_host/host1/statistics/invalid_crc_count"] == b"0x12c\n"


def test_a_dead_controller(world: World):
    inject(world, "fail-controller", "DORADO-PROD", controller="0A")
    rows = {row["ID"]: row for row in ask(world, "PROD", "controller")}
    assert [(rows[n]["RUNNINGSTATUS"], rows[n]["ISMASTER"]) for n in ("0A", "0B")] == [("28", "false"), ("27", "true")]
    states = {row["LOCATION"]: (row["RUNNINGSTATUS"], row["HEALTHSTATUS"]) for row in ask(world, "PROD", "fc_port")}
    assert states["CTE0.A.IOM0.P0"] == ("11", "2")
    assert states["CTE0.B.IOM0.P0"] == ("10", "1")
    assert "20:08:34:00:a3:0d:00:01" not in cli(world, "SWA1", "nsshow -t")


def test_a_typo_shows_in_both_configurations_and_the_real_port_stays_logged_in(world: World):
    inject(world, "zone-typo", "kvm01", fabric="A")
    assert "10:00:00:10:9b:a1:01:01" in cli(world, "SWA1", "alishow")
    assert cli(world, "SWA1", "cfgactvshow").count("10:00:00:10:9b:a1:01:01") == 2
    assert "10:00:00:10:9b:a1:01:00" in cli(world, "SWA1", "nsshow -t")
    initiators = {row["ID"]: row["RUNNINGSTATUS"] for row in ask(world, "PROD", "fc_initiator", PARENTID="0")}
    assert initiators == {"100000109ba10100": "28", "100000109ba20100": "27"}


def test_a_zone_that_is_not_effective(world: World):
    inject(world, "zone-not-effective", "B")
    assert "Z_kvm02_hba1_DR" in cli(world, "SWB1", "zoneshow").partition("Effective")[0]
    assert "Z_kvm02_hba1_DR" not in cli(world, "SWB1", "cfgactvshow")
    assert "[ZONE-1062]" in cli(world, "SWB1", "errdump")
    assert "[ZONE-1062]" not in cli(world, "SWA1", "errdump")
    assert listed(world, "SWB1", "brocade-logging/error-log")[-1]["message-id"] == "ZONE-1062"
    assert len(by_array(world, "kvm02", "DR")) == 2
    assert len(by_array(world, "kvm01", "DR")) == 4


def test_peer_zones(world: World):
    inject(world, "peer-zones", "B")
    zones = rest(world, "SWB1", "brocade-zone/effective-configuration")["Response"]["effective-configuration"][
        "enabled-zone"
    ]
    assert [(zone["zone-name"], zone["zone-type"]) for zone in zones] == [("PZ_PROD", 1), ("PZ_DR", 1)]
    assert zones[0]["member-entry"]["principal-entry-name"] == ["20:09:34:00:a3:0d:00:01", "20:19:34:00:a3:0d:00:01"]
    lines = cli(world, "SWB1", "cfgactvshow").splitlines()
    assert lines[2:5] == [" zone:\tPZ_DR\t", "\t\t00:02:00:00:00:03:01:02", "\t\t20:09:34:00:a3:0d:00:02"]
    now = live(world)
    pair = [hba for one in world.hosts.values() for hba in one.hbas if hba.fabric == "B"]
    assert not now.zoned(now.design.fabrics["B"], pair[0].wwpn, pair[1].wwpn), "members do not talk to each other"


def test_swapped_aliases(world: World):
    inject(world, "alias-swap", "A")
    body = rest(world, "SWA1", "brocade-zone/defined-configuration")["Response"]["defined-configuration"]
    found = {row["alias-name"]: row["member-entry"]["alias-entry-name"] for row in body["alias"]}
    assert found["kvm01_hba0"] == ["10:00:00:10:9b:a1:02:00"]
    assert found["kvm02_hba0"] == ["10:00:00:10:9b:a1:01:00"]


def test_both_ports_on_one_card(world: World):
    assert {hba.pci for hba in host(world).hbas} == {"0000:3b:00.0", "0000:af:00.0"}
    inject(world, "one-card", "kvm01")
    assert {hba.pci for hba in host(world).hbas} == {"0000:3b:00.0", "0000:3b:00.1"}
    assert spof(world, "kvm01", "ora_data01") == (["card:kvm01/0000:3b:00"], 4, 0)
    assert spof(world, "kvm02", "ora_data01") == ([], 4, 2)


def test_a_remap_is_seen_by_the_array_and_by_a_live_inquiry_only(world: World):
    before = multipath_cli.PROGRAMS["multipath"](world, host(world), ["multipath", "-ll"]).out
    old = next(lun.wwid for lun in world.luns.values() if lun.name == "ora_redo01")
    inject(world, "lun-remap", "DORADO-PROD", lun="ora_redo01")
    pass_time(world, 100)
    assert multipath_cli.PROGRAMS["multipath"](world, host(world), ["multipath", "-ll"]).out == before
    rows = ask(world, "PROD", "lun/associate", ASSOCIATEOBJTYPE="21", ASSOCIATEOBJID="0")
    assert old[1:] not in {row["WWN"] for row in rows}
    new = next(row for row in rows if row["NAME"] == "ora_redo01_new")
    number = json.loads(new["ASSOCIATEMETADATA"])["HostLUNID"]
    assert number == next(lun.lun_number for lun in world.luns.values() if lun.wwid == old)
    assert world.san.design.remapped == {old: new["WWN"]}


def test_secondaries_at_the_production_hosts(world: World):
    devices = {path.dev for one in multipath.maps(world, host(world)) for path in one.paths}
    inject(world, "secondary-mapped")
    maps = multipath.maps(world, host(world))
    assert [one.lun.name for one in maps[8:]] == [one.lun.name + "_dr" for one in maps[2:8]]
    assert {one.up for one in maps} == {4}
    assert devices < {path.dev for one in maps for path in one.paths}, "the devices that were there keep their names"
    paths = [path for one in maps for path in one.paths]
    assert len({path.dev for path in paths}) == len({path.hctl for path in paths}) == len(paths) == 14 * 4
    rows = ask(world, "DR", "lun/associate", ASSOCIATEOBJTYPE="21", ASSOCIATEOBJID="1")
    assert {"3" + row["WWN"] for row in rows} == {one.lun.wwid for one in maps[8:]}


def test_a_lun_of_one_host_only(world: World):
    inject(world, "lun-one-host", "kvm01", lun="ora_data01")
    seen = {n: {one.lun.name for one in multipath.maps(world, host(world, n))} for n in ("kvm01", "kvm02")}
    assert seen["kvm01"] - seen["kvm02"] == {"ora_data01"}
    found = ask(world, "PROD", "mapping/associate", ASSOCIATEOBJTYPE="11", ASSOCIATEOBJID="3")
    assert [row["NAME"] for row in found] == ["kvm01"]


def test_a_port_group_leaves_the_nexuses_and_takes_the_luns(world: World):
    inject(world, "port-group", "DORADO-PROD", controller="0B")
    pass_time(world, 100)
    assert len(by_array(world, "kvm01")) == 4
    rows = ask(world, "PROD", "fc_port/associate", ASSOCIATEOBJTYPE="257", ASSOCIATEOBJID="0")
    assert {row["WWN"] for row in rows} == {target for _, target in by_host(world, "kvm01")}
    assert ask(world, "PROD", "mappingview")[0]["PORTGROUPID"] == "0"


def test_the_other_mapping_model(world: World):
    groups = ask(world, "PROD", "lun/associate", ASSOCIATEOBJTYPE="256", ASSOCIATEOBJID="0")
    assert len(groups) == 8
    seen = ask(world, "PROD", "lun/associate", ASSOCIATEOBJTYPE="21", ASSOCIATEOBJID="0")
    inject(world, "mapping-direct", "DORADO-PROD")
    assert ask(world, "PROD", "mappingview") is None
    assert ask(world, "PROD", "lun/associate", ASSOCIATEOBJTYPE="21", ASSOCIATEOBJID="0") == seen
    assert len(ask(world, "PROD", "mapping", hostId="0")) == 8
    (row,) = ask(world, "PROD", "hostLunInfo", hostId="0", lunId="3")
    assert (row["hostName"], row["lunName"], row["hostLunId"]) == ("kvm01", "ora_data01", "3")


def test_wrong_initiators(world: World):
    inject(world, "wrong-initiators", "DORADO-PROD")
    rows = ask(world, "PROD", "fc_initiator", PARENTID="0")
    assert [row["ID"] for row in rows] == ["100000109ba10200", "100000109ba20200"]


def test_a_san_without_switches_takes_the_hosted_engine_with_it(world: World):
    for name in ("SWA1", "SWB1"):
        inject(world, name="fail-switch", target=name)
    assert life_storage.cut_since(world, host(world)) == world.at
    pass_time(world, 100)
    assert multipath.maps(world, host(world))[0].paths == ()
    faults.clear(world)
    assert life_storage.cut_since(world, host(world)) is None


# --- single points of failure, as facts/san.md 3.3 found them


def test_a_healthy_san_has_none():
    for isl in (False, True):
        world = quiet_estate(isl=isl)
        for name in world.hosts:
            assert spof(world, name, "he_sd") == ([], 4, 2)


def test_one_isl_left_cuts_nothing_and_the_last_one_cuts_the_dr_array():
    world = quiet_estate(isl=True)
    inject(world, "secondary-mapped")
    inject(world, "isl-lost", "A", port="22")
    assert cli(world, "SWA1", "islshow").count("->") == 1
    assert "bw: 32.000G" in cli(world, "SWA1", "islshow")
    assert spof(world, "kvm01", "ora_data01_dr") == ([], 4, 2)
    inject(world, "isl-lost", "A", port="23")
    assert cli(world, "SWA1", "islshow") == "No ISL found\n"
    assert cli(world, "SWA1", "fabricshow").count('"SW') == 1
    left, paths, residual = spof(world, "kvm01", "ora_data01_dr")
    assert (paths, residual) == (2, 0)
    assert "fabric:B" in left
    assert spof(world, "kvm01", "ora_data01") == ([], 4, 2)


def test_the_dr_array_not_effective_on_one_fabric(world: World):
    inject(world, "secondary-mapped")
    inject(world, "zone-not-effective", "B", host="kvm02", array="DR")
    left, paths, _ = spof(world, "kvm02", "ora_fra01_dr")
    assert paths == 2
    assert left == sorted(["fabric:A", "switch:1000c4f57c01a000", "port:2001c4f57c01a000", "hba:100000109ba10200",
                           "card:kvm02/0000:3b:00"])  # fmt: skip
    assert spof(world, "kvm01", "ora_fra01_dr") == ([], 4, 2)


def test_one_array_port_down(world: World):
    inject(world, "secondary-mapped")
    inject(world, "cable-array", "DORADO-DR", port="CTE0.A.IOM0.P0")
    assert spof(world, "kvm01", "ora_data01_dr") == ([], 3, 1)


def test_one_controller_zoned(world: World):
    inject(world, "one-controller-zoned", "DORADO-PROD", controller="0A")
    left, paths, _ = spof(world, "kvm01", "ora_data01")
    assert (left, paths) == (["controller:DORADO-PROD/0A", "module:DORADO-PROD/0A.0"], 2)


def test_a_typo_leaves_one_fabric(world: World):
    inject(world, "zone-typo", "kvm01", fabric="A")
    left, paths, _ = spof(world, "kvm01", "ora_data01")
    assert paths == 2
    assert {"fabric:B", "switch:1000c4f57c01b000", "hba:100000109ba20100", "card:kvm01/0000:af:00"} <= set(left)


def test_a_lun_without_any_path_is_no_single_point(world: World):
    for fabric in "AB":
        inject(world, "pull-fabric", fabric)
    assert spof(world, "kvm01", "ora_data01") == ([], 0, 0)


# --- refusing nonsense


@pytest.mark.parametrize(
    ("name", "target", "args", "text"),
    [
        ("isl-lost", "A", {}, "--san isl"),
        ("cable-array", "DORADO-X", {}, "one of DORADO-PROD, DORADO-DR"),
        ("fail-switch", "SWX", {}, "one of SWA1, SWB1"),
        ("disable-port", "SWA1", {"port": "24"}, "0 to 23"),
        ("lun-remap", "DORADO-PROD", {"lun": "nope"}, "no LUN nope"),
        ("zone-typo", "kvm01", {"fabric": "C"}, "fabric is one of A, B"),
        ("login-refused", "kvm01", {}, "one of SWA1, SWB1, DORADO-PROD, DORADO-DR"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(world: World, name: str, target: str, args: dict, text: str):
    with pytest.raises(ValueError, match=re.escape(text)):
        inject(world, name, target, **args)
    assert world.faults == []
    assert len(by_host(world, "kvm01")) == 4


def test_ranges_and_absent_objects():
    world = estate_of_samples()
    assert [row["ID"] for row in ask(world, "PROD", "lun", range="[0-2]")] == ["1", "2"]
    assert [row["ID"] for row in ask(world, "PROD", "lun", range="[2-100]")] == ["3", "4"]
    assert ask(world, "PROD", "snapshot") is None
    for path, query, code in (
        ("controller", {"range": "[0-100]"}, 50331651),
        ("lun", {"range": "[0-200]"}, 50331651),
        ("host_link", {}, 50331651),
        ("lun/77", {}, 1077936859),
        ("REPLICATIONPAIR/77", {}, 1077937923),
        ("HyperMetroPair/1", {}, 1077674242),
    ):
        with pytest.raises(array_query.Refused) as raised:
            ask(world, "PROD", path, **query)
        assert raised.value.code == code
    with pytest.raises(KeyError):
        ask(world, "PROD", "nothing_of_this_name")
    assert ask(world, "PROD", "lun", filter="NAME::he_sd", selectFields="ID,NAME") == [{"ID": "1", "NAME": "he_sd"}]


def test_a_large_estate_has_a_place_for_everybody():
    world = quiet_estate(hosts=60, luns=200)
    assert len(live(world).up) == 60 * 2 + 8
    assert len({login.fcid for login in live(world).logins(world.san.design.switches["SWA1"])}) == 64
    seen = ask(world, "PROD", "lun/associate", ASSOCIATEOBJTYPE="21", ASSOCIATEOBJID="40")
    assert {"3" + row["WWN"] for row in seen} == {lun.wwid for lun in multipath.visible(world, host(world, "kvm41"))}
