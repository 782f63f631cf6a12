"""The multipath probe: multipathd's view merged with the kernel's, judged against what was declared."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.probes.multipath import COMMANDS, MultipathFacts, judge, numbers, parse
from portal.kernel import facts as stored
from portal.kernel.outcome import Outcome
from portal.kernel.output import Output, ParseError
from portal.kernel.probe import Declared, DeclaredPath

A, B = "2100f4e9d4565a10", "2100f4e9d4565a11"  # HBAs
T = ("210000e0fc000001", "210000e0fc000002", "210000e0fc000003", "210000e0fc000004")  # array ports, two per fabric
LUN1, LUN2 = "36a353241000000000000000000000001", "36a353241000000000000000000000002"
WIRED = ((A, T[0]), (A, T[1]), (B, T[2]), (B, T[3]))
FABRICS = {A: "100050eb1a000001", B: "100050eb1a000002"}


def declared_for(*wwids: str, wired: tuple[tuple[str, str], ...] = WIRED) -> Declared:
    pairs = tuple(DeclaredPath(f"0x{hba.upper()}", ":".join(t[i : i + 2] for i in range(0, 16, 2))) for hba, t in wired)
    return Declared("kvm01", paths=dict.fromkeys(wwids, pairs))


class Estate:
    """One host's multipath outputs, true to the measured shapes, with faults put in before they are printed."""

    def __init__(self, *wwids: str) -> None:
        self.maps = {wwid: [dict(zip(("hba", "target"), pair, strict=True)) for pair in WIRED] for wwid in wwids}
        self.words: dict[str, object] = {}
        self.ports = {A: "Online", B: "Online"}
        self.size = "1.0T"
        self.orphans: list[str] = []

    def drop(self, **which: str) -> Estate:
        for wwid, paths in self.maps.items():
            self.maps[wwid] = [p for p in paths if any(p[key] != value for key, value in which.items())]
        return self

    def mark(self, wwid: str, at: int, **words: str) -> Estate:
        self.maps[wwid][at].update(words)
        return self

    def outputs(self, **instead: Output) -> dict[str, Output]:
        number, json_maps, raw, kernel = 0, [], [], []
        for wwid, paths in self.maps.items():
            shown, status = [], []
            for path in paths:
                dev, dev_t = f"sd{chr(97 + number)}", f"8:{16 * number}"
                number += 1
                shown.append(
                    {
                        "dev": dev,
                        "dev_t": dev_t,
                        "dm_st": path.get("dm", "active"),
                        "dev_st": path.get("device", "running"),
                        "chk_st": path.get("checker", "ready"),
                        "pri": 50,
                        "host_wwpn": "0x" + path["hba"],
                        "target_wwpn": "0x" + path["target"],
                        "marginal_st": path.get("marginal", "normal"),
                    }
                )
                size = path.get("size", self.size)
                raw.append(
                    f"{dev}|1:0:0:1|{dev_t}|active|ready|running|50|{size}|{wwid}|{wwid}|0x{path['hba']}|0x{path['target']}"
                )
                if path.get("kernel") != "-":
                    status.append(f"{dev_t} {path.get('kernel', 'A')} 0 0 1")
            group = {"selector": "service-time 0", "paths": shown}
            json_maps.append(
                {"name": wwid, "uuid": wwid, "dm_st": "active", "write_prot": "rw", "path_groups": [group]} | self.words
            )
            kernel.append(
                f"{wwid}: 0 2147483648 multipath 2 0 0 0 1 1 A 0 {len(status)} 2 {' '.join(status)} ".rstrip()
            )
        raw += [f"{dev}|9:0:0:1|65:0|undef|ready|unknown|1|1.0T|[orphan]||0x{A}|0x{T[0]}" for dev in self.orphans]
        ports = "".join(
            f"/sys/class/fc_host/host{n}/port_name:0x{w}\n/sys/class/fc_host/host{n}/port_state:{state}\n"
            f"/sys/class/fc_host/host{n}/fabric_name:0x{FABRICS[w]}\n"
            for n, (w, state) in enumerate(self.ports.items(), 1)
        )
        texts = {
            "maps": json.dumps({"major_version": 0, "minor_version": 1, "maps": json_maps}, indent=3) + "\n",
            "paths": "\n".join(raw) + "\n",
            "kernel": "\n".join(kernel) + "\n" if kernel else "No devices found\n",
            "fc_hosts": ports,
        }
        return {name: Output(text.encode(), b"", 0) for name, text in texts.items()} | instead


def said(estate: Estate, declared: Declared, **instead: Output) -> dict[str, tuple[str, str]]:
    facts = parse(estate.outputs(**instead))
    assert stored.load(MultipathFacts, json.loads(json.dumps(stored.dump(facts)))) == facts
    return {
        (one.check if one.subject.kind == "host" else one.subject.key): (str(one.outcome), one.sentence)
        for one in judge(facts, declared)
    }


BOTH = declared_for(LUN1, LUN2)
DEAD = Output(b"", b"ux_socket_connect: Connection refused\n", 1)
DENIED = Output(b"", b"sudo: a password is required\n", 1)


def test_all_is_well():
    found = said(Estate(LUN1, LUN2), BOTH)
    assert {outcome for outcome, _ in found.values()} == {"ok"}
    assert found["declared"][1] == "8 of 8 declared paths of kvm01 work, over 2 LUNs."
    assert found[LUN1][1] == f"All 4 declared paths of LUN {LUN1} work on kvm01."
    assert numbers(parse(Estate(LUN1, LUN2).outputs())) == {"paths_active": 8.0, "paths_total": 8.0}


def test_a_vanished_path_is_missed_though_every_tool_says_ok():
    outcome, words = said(Estate(LUN1).drop(hba=A, target=T[0]), declared_for(LUN1))[LUN1]
    assert outcome == "warn"
    assert words.startswith(f"3 of 4 declared paths of LUN {LUN1} work on kvm01; lost: array port {T[0]}.")


def test_one_path_whose_ends_both_live_is_named_by_its_pair():
    wired = (*WIRED, (A, T[2]), (B, T[0]))
    estate = Estate(LUN1)
    estate.maps[LUN1] += [{"hba": A, "target": T[2]}]
    outcome, words = said(estate, declared_for(LUN1, wired=wired))[LUN1]
    assert (outcome, f"gone: {B} to {T[0]}" in words) == ("warn", True)


def test_a_lost_hba_and_its_fabric_is_a_failure():
    estate = Estate(LUN1).drop(hba=A, target=T[0]).drop(hba=A, target=T[1])
    estate.ports[A] = "Linkdown"
    found = said(estate, declared_for(LUN1))
    assert found[LUN1][0] == "fail"
    assert f"HBA {A} (host1, Linkdown)" in found[LUN1][1]
    assert "fabric 100050eb1a000001" in found[LUN1][1]
    assert f"All that is left runs over HBA {B}" in found[LUN1][1]
    assert found["fc_ports"] == (
        "fail",
        f"FC port {A} (host1) of kvm01 is Linkdown: see its cable, SFP and switch port.",
    )
    assert found["declared"][0] == "warn"


def test_a_port_without_link_takes_its_paths_down_before_any_checker_knows():
    estate = Estate(LUN1)
    estate.ports[A] = "Linkdown"
    outcome, words = said(estate, declared_for(LUN1))[LUN1]
    assert (outcome, words[:6]) == ("fail", "2 of 4")


def test_the_first_seconds_of_a_fabric_loss_count():
    estate = Estate(LUN1).mark(LUN1, 0, checker="faulty").mark(LUN1, 1, checker="faulty")
    assert said(estate, declared_for(LUN1))[LUN1][0] == "fail"


def test_the_kernel_is_believed_over_the_daemon():
    outcome, words = said(Estate(LUN1).mark(LUN1, 0, kernel="F"), declared_for(LUN1))[LUN1]
    assert (outcome, words[:6]) == ("warn", "3 of 4")
    assert said(Estate(LUN1).mark(LUN1, 0, kernel="-"), declared_for(LUN1))[LUN1][0] == "warn"


def test_failed_and_ready_is_a_path_that_multipathd_lost():
    outcome, words = said(Estate(LUN1).mark(LUN1, 0, dm="failed"), declared_for(LUN1))[LUN1]
    assert outcome == "warn"
    assert "multipathd lost it" in words


def test_no_path_at_all():
    estate = Estate(LUN1)
    estate.maps[LUN1] = []
    assert said(estate, declared_for(LUN1))[LUN1][0] == "fail"
    assert said(estate, Declared("kvm01"))[LUN1][0] == "fail"


def test_only_undeclared_paths_work():
    estate = Estate(LUN1)
    estate.maps[LUN1] = [{"hba": A, "target": "210000e0fc0000ff"}]
    outcome, words = said(estate, declared_for(LUN1))[LUN1]
    assert outcome == "fail"
    assert words.startswith("0 of 4")


def test_a_checker_that_waits_is_unknown():
    estate = Estate(LUN1).mark(LUN1, 0, checker="i/o pending")
    assert said(estate, declared_for(LUN1))[LUN1] == (
        "unknown",
        f"1 of 4 paths of LUN {LUN1} on kvm01 are neither up nor down yet.",
    )
    estate = Estate(LUN1)
    for at in range(4):
        estate.mark(LUN1, at, checker="undef")
    assert said(estate, declared_for(LUN1))[LUN1][0] == "unknown"


def test_more_than_declared():
    estate = Estate(LUN1)
    estate.maps[LUN1].append({"hba": B, "target": "210000e0fc0000ff"})
    assert "1 working paths" in said(estate, declared_for(LUN1))[LUN1][1]
    estate.mark(LUN1, 4, checker="faulty")
    outcome, words = said(estate, declared_for(LUN1))[LUN1]
    assert (outcome, "1 others do not" in words) == ("warn", True)


def test_what_is_not_declared_is_never_ok():
    found = said(Estate(LUN1, LUN2), declared_for(LUN1))
    assert found[LUN2] == ("warn", f"LUN {LUN2} is not declared on kvm01: 4 of 4 seen paths work. Approve its 4 paths.")
    nothing = said(Estate(LUN1), Declared("kvm01"))
    assert (nothing[LUN1][0], nothing["declared"][0]) == ("warn", "warn")
    assert said(Estate(LUN1), Declared("kvm01", paths={}))["declared"][0] == "warn"


def test_a_declared_lun_that_is_absent():
    found = said(Estate(LUN1), BOTH)
    assert found[LUN2][0] == "fail"
    assert "does not have LUN" in found[LUN2][1]
    assert said(Estate(), BOTH)["declared"] == ("fail", "0 of 8 declared paths of kvm01 work, over 2 LUNs.")


@pytest.mark.parametrize(
    ("words", "part"), [({"dm_st": "suspend"}, "is suspended"), ({"write_prot": "ro"}, "is read-only")]
)
def test_maps_that_are_broken_as_a_whole(words, part):
    estate = Estate(LUN1)
    estate.words = words
    outcome, sentence = said(estate, declared_for(LUN1))[LUN1]
    assert (outcome, part in sentence) == ("fail", True)


def test_sizes_that_differ():
    found = said(Estate(LUN1).mark(LUN1, 1, size="900G"), declared_for(LUN1))[LUN1]
    assert (found[0], "different size" in found[1]) == ("fail", True)
    estate = Estate(LUN1)
    estate.size = "900G"  # all paths agree, the map does not
    assert said(estate, declared_for(LUN1))[LUN1][0] == "fail"
    estate.size = "[invalid]"
    assert said(estate, declared_for(LUN1))[LUN1][0] == "ok"


def test_marginal_paths_warn():
    assert "marginal" in said(Estate(LUN1).mark(LUN1, 0, marginal="marginal"), declared_for(LUN1))[LUN1][1]


def test_multipathd_is_dead():
    found = said(Estate(LUN1), BOTH, maps=DEAD, paths=DEAD)
    assert found["multipathd"][0] == "fail"
    assert found[LUN1][0] == found[LUN2][0] == "unknown"
    assert found["declared"][0] == found["orphans"][0] == "unknown"
    assert found["kernel_view"][0] == "unknown"
    assert numbers(parse(Estate(LUN1).outputs(maps=DEAD))) == {}
    assert said(Estate(LUN1), BOTH, maps=DEAD)["kernel_view"][0] == "unknown"


def test_multipathd_is_dead_and_so_are_the_paths():
    estate = Estate(LUN1)
    for at in range(4):
        estate.mark(LUN1, at, kernel="F")
    assert said(estate, BOTH, maps=DEAD)[LUN1][0] == "fail"


def test_the_kernel_cannot_be_asked():
    found = said(Estate(LUN1), declared_for(LUN1), kernel=DENIED)
    assert found[LUN1][0] == "ok"
    assert found["kernel_view"][0] == "unknown"
    assert "password is required" in found["kernel_view"][1]


def test_nobody_can_be_asked():
    with pytest.raises(ParseError, match="maps are not known"):
        parse(Estate(LUN1).outputs(maps=DEAD, kernel=DENIED))
    with pytest.raises(ParseError, match="cut or damaged"):
        parse(Estate(LUN1).outputs(maps=Output(b'{"maps": [', b"", 0), kernel=Output(b"", b"", 0)))
    with pytest.raises(ParseError):
        parse({})


def test_maps_of_one_side_only():
    two, one = Estate(LUN1, LUN2).outputs(), Estate(LUN1).outputs()
    found = said(Estate(LUN1), declared_for(LUN1), kernel=two["kernel"])
    assert (found["kernel_view"][0], "does not know it" in found["kernel_view"][1]) == ("warn", True)
    found = said(Estate(LUN1, LUN2), BOTH, kernel=one["kernel"])
    assert (found["kernel_view"][0], "does not hold it" in found["kernel_view"][1]) == ("warn", True)
    assert found[LUN2][0] == "fail"
    fewer = Estate(LUN1).drop(hba=B, target=T[3]).outputs()
    found = said(Estate(LUN1), declared_for(LUN1), maps=fewer["maps"])
    assert "holds 1 paths" in found["kernel_view"][1]


def test_raw_paths_that_are_cut_are_named():
    found = said(Estate(LUN1), declared_for(LUN1), paths=Output(b"sda|1:0:0:1|8:0\n", b"", 0))
    assert found[LUN1][0] == "ok"
    assert (found["kernel_view"][0], found["orphans"][0]) == ("unknown", "unknown")


def test_orphans():
    estate = Estate(LUN1)
    estate.orphans = ["sdx"]
    assert said(estate, declared_for(LUN1))["orphans"][0] == "warn"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (DEAD, "fail"),
        (Output(b"", b"", 1), "fail"),
        (Output(b"error receiving packet\n", b"", 0), "fail"),
        (DENIED, "unknown"),
        (Output(b'{"major_version": 0, "maps": [{"name"', b"", 0), "unknown"),
        (Output(b"timeout receiving packet\n", b"", 0), "unknown"),
        (Output(b"permission deny: need to be root\n", b"", 0), "unknown"),
        (Output(b"", b"", 124), "unknown"),
        (Output(b"", b"sh: multipathd: command not found\n", 127), "unknown"),
    ],
)
def test_only_a_daemon_that_nobody_reaches_is_down(answer, outcome):
    found = said(Estate(LUN1), declared_for(LUN1), maps=answer)
    assert found["multipathd"][0] == outcome
    assert found[LUN1][0] == "unknown"


def test_fc_ports():
    estate = Estate(LUN1)
    estate.ports = {A: "Online"}
    assert said(estate, declared_for(LUN1))["fc_ports"][0] == "fail"
    estate.ports = {A: "Online", B: "Linkdown"}
    assert said(estate, Declared("kvm01"))["fc_ports"][0] == "warn"
    assert said(estate, declared_for(LUN1))["fc_ports"][0] == "fail"
    estate.ports = {A: "Online", B: "Marginal"}
    assert said(estate, declared_for(LUN1))["fc_ports"][0] == "warn"
    estate.ports = {A: "Marginal", B: "Linkdown"}
    assert "Linkdown" in said(estate, declared_for(LUN1))["fc_ports"][1]
    estate.ports = {A: "Online", B: "Online"}
    assert said(estate, Declared("kvm01"))["fc_ports"][0] == "ok"
    estate.ports = {}
    assert said(estate, Declared("kvm01"))["fc_ports"][0] == "unknown"


def test_a_port_without_a_cable_that_nobody_declared_is_no_warning():
    estate = Estate(LUN1).drop(hba=B)
    estate.ports = {A: "Online", B: "Linkdown"}
    found = said(estate, declared_for(LUN1, wired=WIRED[:2]))
    assert found["fc_ports"] == (
        "ok",
        "All 1 declared FC ports of kvm01 are Online; 1 others, which no declared path uses, are not.",
    )


def test_transport_without_wwpns():
    estate = Estate(LUN1)
    estate.maps[LUN1] = [{"hba": "", "target": ""}]
    bare = Declared("kvm01", paths={LUN1: (DeclaredPath("", ""),)})
    found = said(estate, bare)
    assert found[LUN1][0] == found["declared"][0] == "unknown"
    assert "whether one of them vanished is not known" in found[LUN1][1]
    estate.mark(LUN1, 0, checker="faulty")
    assert said(estate, bare)[LUN1][0] == "fail"


@given(
    st.sampled_from(sorted(COMMANDS)),
    st.integers(0, 2000),
    st.binary(max_size=4),
    st.sampled_from([0, 0, 0, 1, 124, 127, None]),
)
def test_a_damaged_part_never_turns_more_paths_up(part, at, put, code):
    outputs = Estate(LUN1).drop(hba=A, target=T[0]).outputs()
    raw = outputs[part].stdout
    outputs[part] = Output(raw[:at] + put + raw[at + len(put) :], b"", code)
    try:
        facts = parse(outputs)
    except ParseError:
        return
    found = {one.subject.key: one.outcome for one in judge(facts, declared_for(LUN1)) if one.subject.kind == "lun"}
    assert found[LUN1] is not Outcome.OK


@given(st.integers(0, 5000))
def test_cut_maps_are_never_ok(cut):
    outputs = Estate(LUN1).outputs()
    raw = outputs["maps"].stdout.rstrip()
    outputs["maps"] = Output(raw[: min(cut, len(raw) - 1)], b"", 0)
    facts = parse(outputs)
    assert facts.source == "kernel"
    found = {one.subject.key: one.outcome for one in judge(facts, declared_for(LUN1))}
    assert found[LUN1] is Outcome.UNKNOWN


def test_a_lun_that_nobody_declared_is_approved_only_when_it_is_whole():
    whole = said(Estate(LUN1), Declared("kvm01"))[LUN1]
    assert whole == ("warn", f"LUN {LUN1} is not declared on kvm01: 4 of 4 seen paths work. Approve its 4 paths.")
    lame = said(Estate(LUN1).mark(LUN1, 0, dm="failed", checker="faulty"), Declared("kvm01"))[LUN1]
    assert lame[1].endswith("3 of 4 seen paths work. Mend the others before its paths are approved.")


def test_a_local_disk_in_a_map_is_for_the_blacklist():
    estate = Estate(LUN1)
    estate.maps[LUN1] = [{"hba": "", "target": ""}]
    outcome, words = said(estate, Declared("kvm01"))[LUN1]
    assert (outcome, words.endswith("a local disk belongs on multipath's blacklist.")) == ("warn", True)
