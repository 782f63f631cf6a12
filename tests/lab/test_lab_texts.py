"""The lab prints what the captured hosts printed, byte for byte."""

from __future__ import annotations

import calendar
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from lab import he_text, life_broker
from lab.world import HeRecord
from tests.fixtures_lab import he, host, pass_time, quiet_estate, status
from tests.samples_dir import TOP

JSON_CASES = sorted(
    path
    for path in (TOP / "she_status").iterdir()
    if path.name.endswith("-json") and (path / "stdout").read_text("utf-8").startswith("{")
)
TEXT_CASES = [
    TOP / "vm_status_text" / name
    for name in (
        "healthy-text",
        "global-maintenance-text",
        "local-maintenance-text",
        "local-maintenance-hidden-text",
        "power-loss-10min-text",
    )
]


def seconds(text: str) -> int:
    return calendar.timegm(time.strptime(text))


def record(one: dict[str, Any]) -> HeRecord:
    """The record that a captured host must have written."""
    extra = dict(line.split("=", 1) for line in one["extra"].splitlines())
    return HeRecord(
        host_id=one["host-id"],
        host_ts=one["host-ts"],
        score=one["score"],
        engine_status=one["engine-status"],
        hostname=one["hostname"],
        maintenance=one["maintenance"],
        stopped=one["stopped"],
        state=extra["state"],
        local_conf_timestamp=one["local_conf_timestamp"],
        wall=seconds(re.search(r"\((.*)\)", extra["timestamp"])[1]),
        timeout=seconds(extra["timeout"]) if "timeout" in extra else None,
    )


def same_minute(extra: str) -> str:
    """The conf's date may be a second off its number in the captures, which ran at ten times real time."""
    return re.sub(r"(vm_conf_refresh_time=\d+).*", r"\1", extra)


@pytest.mark.parametrize("path", JSON_CASES, ids=lambda path: path.name)
def test_json_of_every_capture(path: Path):
    raw = (path / "stdout").read_text("utf-8")
    seen = json.loads(raw)
    made = {key: he_text.fields(record(one), one["live-data"]) if key.isdigit() else one for key, one in seen.items()}
    for key, one in made.items():
        if key.isdigit():
            assert same_minute(one["extra"]) == same_minute(seen[key]["extra"])
            one["extra"] = seen[key]["extra"]
    assert json.dumps(made) + "\n" == raw


def parse_block(block: str) -> dict[str, Any]:
    """A host's block of the text, as the JSON's object. The masked status of a stale host is not in it."""
    head, _, tail = block.partition("Extra metadata (valid at timestamp):\n")
    shown = dict(
        re.split(r" *: ", line, maxsplit=1) for line in head.splitlines() if ": " in line and "--==" not in line
    )
    status = shown["Engine status"]
    return {
        "host-id": int(shown["Host ID"]),
        "host-ts": int(shown["Host timestamp"]),
        "score": int(shown["Score"]),
        "engine-status": None if status == "unknown stale-data" else json.loads(status),
        "hostname": shown["Hostname"],
        "maintenance": shown["Local maintenance"] == "True",
        "stopped": shown["stopped"] == "True",
        "crc32": shown["crc32"],
        "local_conf_timestamp": int(shown["local_conf_timestamp"]),
        "live-data": shown["Status up-to-date"] == "True",
        "extra": "".join(line.lstrip("\t") + "\n" for line in tail.splitlines() if line.startswith("\t")),
    }


@pytest.mark.parametrize("path", TEXT_CASES, ids=lambda path: path.name)
def test_text_of_every_capture(path: Path):
    raw = (path / "stdout").read_text("utf-8")
    blocks = [parse_block(block) for block in raw.split("--== Host ")[1:]]
    world = quiet_estate()
    broker = host(world).broker
    broker.records = {one["host-id"]: record(one) for one in blocks}
    broker.alive = tuple(one["host-id"] for one in blocks if one["live-data"])
    broker.alive_at = world.at
    broker.global_maintenance = "GLOBAL MAINTENANCE" in raw
    made = he_text.status_text(world, host(world))
    for one in blocks:
        if one["engine-status"] is None:  # its checksum covers the status that the text masks
            made = made.replace(he_text.crc32(broker.records[one["host-id"]]), one["crc32"])
    assert same_minute(made) == same_minute(raw)


def test_healthy_estate_answers_alike_on_both_hosts():
    world = quiet_estate()
    first, second = status(world, "kvm01"), status(world, "kvm02")
    assert list(first) == ["1", "2", "global_maintenance"]
    assert list(first["1"])[-2:] == ["live-data", "state"]
    assert (first["1"]["state"], first["2"]["state"]) == ("EngineUp", "EngineDown")
    assert first["1"]["engine-status"] == {"vm": "up", "health": "good", "detail": "Up"}
    assert second["1"]["live-data"]
    assert second["2"]["live-data"]
    assert (first["1"]["score"], first["2"]["score"]) == (3400, 3400)


@pytest.mark.parametrize(
    ("stale", "case"), [(False, "broker-down"), (True, "broker-stale-socket")], ids=["no socket", "stale socket"]
)
def test_broker_down(stale: bool, case: str):
    world = quiet_estate()
    host(world).units["ovirt-ha-broker"] = "inactive"
    life_broker.reset(world, host(world), stale_socket=stale)
    text = he(world, "kvm01", "--vm-status")
    folder = TOP / "vm_status_text" / f"{case}-text"
    assert (text.rc, text.out, text.err) == (1, "", (folder / "stderr").read_text("utf-8"))
    as_json = he(world, "kvm01", "--vm-status", "--json")
    captured = (TOP / "she_status" / f"{case}-json" / "stderr").read_text("utf-8").splitlines()
    made = as_json.err.splitlines()
    assert (as_json.rc, as_json.out) == (1, "")
    assert made[-1] == captured[-1]
    frames = [line for line in captured if line.startswith("  File ")]
    assert [line for line in made if line.startswith("  File ")] == frames
    assert {
        "FileNotFoundError: [Errno 2] No such file or directory",
        "ConnectionRefusedError: [Errno 111] Connection refused",
    } & set(made)


@pytest.mark.parametrize("active", [True, False])
def test_vm_conf_missing(active: bool):
    world = quiet_estate()
    host(world).vm_conf = False
    host(world).units["ovirt-ha-agent"] = "active" if active else "inactive"
    reply = he(world, "kvm01", "--vm-status", "--json")
    case = TOP / "she_status" / f"vm-conf-missing-agent-{'active' if active else 'inactive'}"
    assert (reply.rc, reply.out, reply.err) == (1, (case / "stdout").read_text("utf-8"), "")


def test_a_host_without_hosted_engine():
    world = quiet_estate(hosts=3)
    assert he(world, "kvm03", "--vm-status", "--json").out == "You must run deploy first\n"
    assert he(world, "kvm03", "--check-deployed").rc == 1


def test_no_record_at_all():
    world = quiet_estate()
    host(world).broker.records = {}
    assert he(world, "kvm01", "--vm-status", "--json").out == '{"global_maintenance": false}\n'
    text = he(world, "kvm01", "--vm-status")
    assert (text.rc, text.out) == (1, "")


def test_acts_on_the_wrong_host():
    world = quiet_estate()
    vm_id = next(vm.id for vm in world.vms.values() if vm.is_engine)
    reply = he(world, "kvm02", "--vm-shutdown")
    assert (reply.rc, reply.out) == (1, "")
    assert reply.err == (
        f"Command VM.shutdown with args {{'vmID': '{vm_id}', 'delay': '120', 'message': 'VM is shutting down!'}} "
        "failed:\n"
        f"(code=1, message=Virtual machine does not exist: {{'vmId': '{vm_id}'}})\n"
    )
    assert he(world, "kvm01", "--vm-start").out == "VM exists and its status is Up\n"


def test_liveliness_and_usage():
    world = quiet_estate()
    assert he(world, "kvm02", "--check-liveliness") == he(world, "kvm01", "--check-liveliness")
    assert he(world, "kvm01", "--check-liveliness").out == "Hosted Engine is up!\n"
    assert he(world, "kvm01", "--help").rc == 0
    assert he(world, "kvm01", "--nope").err == "Invalid option '--nope'\n"


def test_the_1970_line_counts_down():
    world = quiet_estate()
    world.engine_health = "dead"
    pass_time(world, 45)
    one = status(world)["1"]
    line = next(line for line in one["extra"].splitlines() if line.startswith("timeout="))
    assert line.endswith(" 1970")
    left = seconds(line.removeprefix("timeout=")) - one["host-ts"]
    assert 260 <= left <= 300
