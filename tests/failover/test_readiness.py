"""The prechecks: what each says, what blocks, when the result decays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.verdicts import readiness, ready_guard, ready_hosts, ready_records
from failover.verdicts.check import Say
from failover.verdicts.readiness_inputs import BackupSaid, EngineSaid, Inputs, PathsSaid, PortalSaid, RestHost, RoomSaid
from tests.failover.pair_scenes import DOWN, UP, scene
from tests.failover.test_room import host, vm

HOSTS = (RestHost("kvm01", "up", True, 3400, "spm", True), RestHost("kvm02", "up", True, 3400, "none", False))
WELL = Inputs(
    sight=scene().sight(),
    engine=EngineSaid(HOSTS, (), ()),
    paths={"kvm01": PathsSaid(8, ()), "kvm02": PathsSaid(8, ())},
    backup=BackupSaid("20261122T010000", 3600.0, 26 * 3600.0),
    room=RoomSaid((host("kvm01"), host("kvm02")), (vm("HostedEngine", engine=True), vm("ora01", memory=32))),
)
SILENT = {"silent": True}
NO_FLAGS = {"flags": "garbage\n"}


def test_a_healthy_pair_is_ready():
    for plan in ("she_failover", "host_power_loss", "tabletop"):
        checks = readiness.judge(plan, WELL, 100.0)
        assert readiness.ready(checks), readiness.blocking(checks)
        assert [check.name for check in checks] == list(readiness.needs(plan))
        assert all(check.at == 100.0 and check.title and check.fix == "" for check in checks)
    assert not readiness.ready(())


@pytest.mark.parametrize(
    ("check", "given", "word", "words"),
    [
        ("observers", scene(second=SILENT), "unknown", "kvm02 does not say how HA stands."),
        ("observers", scene(second={"stopped": True}), "no_go", "kvm01 sees the HA agent of kvm02 stopped"),
        ("observers", scene(sees_other={1: False}), "no_go", "kvm01 does not see kvm02 live"),
        ("one_engine", scene(second={"engine": UP, "state": "EngineUp"}), "no_go", "each claim to run the engine"),
        ("one_engine", scene(first={"engine": DOWN, "state": "EngineDown"}), "unknown", "No host says that the engine"),
        ("one_engine", scene(second={"state": "EngineStarting"}), "no_go", "kvm02 is in state EngineStarting"),
        ("one_engine", scene(second={"live": False}), "no_go", "kvm02 is in state unknown"),
        ("scores", scene(second={"live": False}), "unknown", "The score of kvm02 is not known"),
        ("scores", scene(second={"score": 0}), "no_go", "kvm02 has score 0"),
        ("scores", scene(second={"score": 2600}), "no_go", "The scores are 800 apart"),
        ("scores", scene(second={"score": 2601}), "go", "kvm02: 2601"),
        ("global_flag", scene(flag=True), "no_go", "Global maintenance is on"),
        ("global_flag", scene(second=SILENT), "unknown", "Not every host says"),
        (
            "local_flags",
            scene(second={"flags": "local_maintenance=False\nlocal_maintenance_manual=True\n"}),
            "no_go",
            "kvm02 is in local maintenance by its ha.conf",
        ),
        ("local_flags", scene(second=NO_FLAGS), "unknown", "ha.conf could not be read"),
        ("local_flags", scene(second=SILENT), "unknown", "ha.conf could not be read"),
        ("units", scene(second={"agent": "inactive"}), "no_go", "ovirt-ha-agent on kvm02 is inactive"),
        ("units", scene(second={"units": "failed"}), "no_go", "neither libvirtd nor virtqemud is active on kvm02"),
        ("units", scene(second=SILENT), "unknown", "The units of kvm02 could not be read"),
        ("units", scene(second={"units": "odd"}), "unknown", "The units of kvm02 could not be read"),
        ("agents", scene(second={"started": 4_950_000_000}), "no_go", "The HA agent of kvm02 started less than 70 s"),
        ("agents", scene(second={"started": 0}), "unknown", "When the HA agent of kvm02 started is not known"),
        ("agents", scene(second=SILENT), "unknown", "When the HA agent of kvm02"),
        ("page", scene(page=False), "no_go", "The engine's health page is not good: HTTP 503"),
        ("page", scene(page=None), "unknown", "The engine was not asked: The engine cannot be reached."),
    ],
)
def test_what_the_hosts_say(check, given, word, words):
    said = getattr(ready_hosts, check)(given.sight())
    assert (str(said.word), words in said.sentence) == (word, True), said
    assert bool(said.fix) == (word != "go")


def test_a_host_that_nobody_has_a_record_of():
    view = scene().sight()
    blind = replace(view.snapshots[7], hosts=view.snapshots[7].hosts[:1])
    said = ready_hosts.observers(replace(view, snapshots={7: blind, 8: view.snapshots[8]}))
    assert "kvm01 has no record of kvm02" in said.sentence
    gone = replace(view, verdict=replace(view.verdict, hosts=view.verdict.hosts[:1]))
    assert "The score of kvm02 is not known" in ready_hosts.scores(gone).sentence
    assert "kvm02 is in state unknown" in ready_hosts.one_engine(gone).sentence


WHY = EngineSaid(None, None, None, "It is away.")


def engine(*hosts: RestHost, **more: object) -> dict:
    return {"engine": EngineSaid(hosts or HOSTS, **{"migrating": (), "jobs": (), **more})}


@pytest.mark.parametrize(
    ("check", "given", "word", "words"),
    [
        ("rest_hosts", {"engine": WHY}, "unknown", "It is away."),
        ("rest_hosts", engine(replace(HOSTS[0], status="maintenance")), "no_go", "kvm01 is maintenance"),
        ("rest_hosts", engine(replace(HOSTS[0], active=False)), "no_go", "HA of kvm01 is not active"),
        ("rest_hosts", engine(), "go", "every hosted-engine host up"),
        ("idle", {"engine": WHY}, "unknown", "It is away."),
        ("idle", engine(migrating=("ora1",)), "no_go", "ora1 is being migrated"),
        ("idle", engine(jobs=("Adding Disk",)), "no_go", "job: Adding Disk"),
        ("idle", engine(), "go", "no job runs"),
        ("spm", {"engine": WHY}, "unknown", "It is away."),
        ("spm", engine(replace(HOSTS[0], spm="contending")), "no_go", "kvm01 contends"),
        ("spm", engine(), "go", "Nobody contends"),
        ("paths", {"paths": {}}, "unknown", "The LUN paths could not be read."),
        ("paths", {"paths": {"kvm01": PathsSaid(8, None, "No answer.")}}, "unknown", "kvm01: No answer."),
        ("paths", {"paths": {"kvm01": PathsSaid(8, ("a from b to c",))}}, "no_go", "1 declared paths do not carry I/O"),
        ("paths", {"paths": {"kvm01": PathsSaid(0, ())}}, "unknown", "No path is declared on kvm01"),
        ("paths", {}, "go", "All 16 declared paths"),
        ("backup", {"backup": BackupSaid("", 0, 1)}, "no_go", "No backup of this engine is proven"),
        ("backup", {"backup": BackupSaid("b", 30 * 3600, 26 * 3600)}, "no_go", "is 30.0 h old; at most 26 h"),
        ("backup", {}, "go", "is 1.0 h old."),
        ("alone", {"portal": PortalSaid(("Run 3 is running.",))}, "no_go", "Run 3 is running."),
        ("alone", {}, "go", "No other run"),
        ("cool_down", {"portal": PortalSaid(cooling=90.0, after="Failover")}, "no_go", "lasts 90 s more"),
        ("cool_down", {}, "go", "No drill ended"),
        ("calendar", {"portal": PortalSaid(blackout="Month end")}, "no_go", "Month end"),
        ("calendar", {}, "go", "no blackout"),
        ("fencing", {"fences": "kvm01"}, "go", "kvm01 has power management"),
        ("fencing", {"fences": "kvm02"}, "no_go", "kvm02 has no power management"),
        ("fencing", {"fences": "kvm03"}, "unknown", "is not known"),
        ("fencing", {"fences": "kvm01", "engine": WHY}, "unknown", "It is away."),
        ("fencing", {}, "go", "a person"),
    ],
)
def test_what_the_records_say(check, given, word, words):
    said = getattr(ready_records, check)(replace(WELL, **given))
    assert (str(said.word), words in said.sentence) == (word, True), said
    assert bool(said.fix) == (word != "go")


def test_unknown_blocks_and_comes_after_what_is_known():
    given = replace(WELL, sight=scene(second=SILENT, flag=True).sight(), engine=WHY)
    checks = readiness.judge("she_failover", given, 0.0)
    assert not readiness.ready(checks)
    words = [check.word for check in readiness.blocking(checks)]
    assert words == sorted(words)
    assert {Say.NO_GO, Say.UNKNOWN} == set(words)
    blind = readiness.judge("she_failover", replace(WELL, sight=None), 0.0)
    assert "The hosts were not asked." in {check.sentence for check in readiness.blocking(blind)}


def test_a_result_decays_by_time_and_by_change():
    checks = readiness.judge("she_failover", WELL, 1000.0)
    rests = readiness.depends(WELL)
    assert rests["the engine's host"] == "kvm01"
    assert readiness.expired(checks, rests, 1060.0) == ""
    assert "61 s ago, 60 s are allowed" in readiness.expired(checks, rests, 1061.0)
    moved = scene(first={"engine": DOWN, "state": "EngineDown"}, second={"engine": UP, "state": "EngineUp"})
    later = readiness.depends(replace(WELL, sight=moved.sight()))
    said = readiness.expired(checks, rests, 1001.0, later)
    assert said == "The look counts no more: the engine's host changed from kvm01 to kvm02."
    assert readiness.expired(checks, rests, 1001.0, rests) == ""
    assert "changed from kvm01 to unknown" in readiness.expired(checks, rests, 1001.0, {})
    assert readiness.expired((), {}, 0.0) == "Nobody has looked yet."
    silent = readiness.depends(replace(WELL, sight=scene(second=SILENT).sight()))
    assert silent["a host's boot"] == '{"kvm01":"boot-1","kvm02":""}'
    assert "a host's boot" not in readiness.depends(replace(WELL, sight=None))
    assert readiness.asks_hosts("she_failover")
    assert not readiness.asks_hosts("tabletop")


@pytest.mark.parametrize("plan", ready_guard.KINDS)
def test_the_guard_rails_are_asked(plan):
    def rails(**given):
        said = ready_guard.rails(replace(WELL, plan=plan, **given))
        return str(said.word), said.sentence

    assert rails() == ("go", "The guard rails allow it.")
    assert rails(portal=PortalSaid(("Run 3 runs",)))[1].startswith("Guard rail exclusive: Run 3 runs is under way")
    assert rails(portal=PortalSaid(cooling=590.0))[1].startswith(
        "Guard rail cool-down: The engine VM was restarted 10 s"
    )
    assert rails(sight=scene(flag=True).sight())[1].startswith("Guard rail global-off")
    assert rails(sight=scene(second={"score": 0}).sight())[1].startswith("Guard rail scores")
    assert rails(sight=scene(second=SILENT).sight())[0] == "no_go"
    assert rails(sight=scene(first={"engine": DOWN}).sight())[0] == "unknown"
    assert rails(sight=None)[0] == "unknown"


def test_a_plan_without_an_act_on_the_pair_passes_the_guard_rails():
    assert str(ready_guard.rails(replace(WELL, plan="tabletop")).word) == "go"
