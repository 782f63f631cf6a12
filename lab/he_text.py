"""What `hosted-engine --vm-status` prints, byte for byte (facts/hosted-engine.md 2)."""

from __future__ import annotations

import json
import time
import zlib

from lab import he_metadata, life_broker
from lab.he_traceback import traceback
from lab.world import HeRecord, Host, World

BANNER = "\n\n!! Cluster is in GLOBAL MAINTENANCE mode !!\n\n"
NO_SOCKET = ("[Errno 2] No such file or directory", "FileNotFoundError", "line 1 column 51 (char 50)")
REFUSED = ("[Errno 111] Connection refused", "ConnectionRefusedError", "line 1 column 46 (char 45)")
NO_DAEMON = "Cannot connect to the HA daemon, please check the logs.\n"
_TEXT_KEYS = (
    ("Host ID", "host-id"),
    ("Host timestamp", "host-ts"),
    ("Score", "score"),
    ("Engine status", "engine-status"),
    ("Hostname", "hostname"),
    ("Local maintenance", "maintenance"),
    ("stopped", "stopped"),
    ("crc32", "crc32"),
    ("conf_on_shared_storage", "conf_on_shared_storage"),
    ("local_conf_timestamp", "local_conf_timestamp"),
    ("Status up-to-date", "live-data"),
)


def ctime(seconds: float) -> str:
    """C's ctime without the newline, in UTC, which is the zone of every lab host."""
    return time.asctime(time.gmtime(seconds))


def crc32(record: HeRecord) -> str:
    """The checksum of the record's line with its own field zeroed: the stored field is what a reader sees."""
    status = json.dumps(record.engine_status)
    line = (
        f"1|1|{record.host_ts}|{record.host_id}|{record.score}|{status}|{record.hostname}|{int(record.maintenance)}|"
        f"{int(record.stopped)}|00000000|1|{record.local_conf_timestamp}"
    )
    return f"{zlib.crc32(line.encode()) & 0xFFFFFFFF:08x}"


def extra(record: HeRecord) -> str:
    """The `extra` text: key=value lines, state keys sorted, the timeout as its 1970 date."""
    conf_wall = record.wall + record.local_conf_timestamp - record.host_ts
    lines = [
        "metadata_parse_version=1",
        "metadata_feature_version=1",
        f"timestamp={record.host_ts} ({ctime(record.wall)})",
        f"host-id={record.host_id}",
        f"score={record.score}",
        f"vm_conf_refresh_time={record.local_conf_timestamp} ({ctime(conf_wall)})",
        "conf_on_shared_storage=True",
        f"maintenance={record.maintenance}",
        f"state={record.state}",
        f"stopped={record.stopped}",
    ]
    if record.timeout is not None:
        lines.append(f"timeout={ctime(record.timeout)}")
    return "".join(line + "\n" for line in lines)


def fields(record: HeRecord, live: bool) -> dict[str, object]:
    """One host's object of the JSON, keys in their order, live-data last."""
    return {
        "host-id": record.host_id,
        "host-ts": record.host_ts,
        "score": record.score,
        "engine-status": record.engine_status,
        "hostname": record.hostname,
        "maintenance": record.maintenance,
        "stopped": record.stopped,
        "crc32": crc32(record),
        "conf_on_shared_storage": True,
        "local_conf_timestamp": record.local_conf_timestamp,
        "extra": extra(record),
        "live-data": live,
    }


def _seen(world: World, host: Host) -> list[dict[str, object]]:
    live, absent = life_broker.live(world, host), he_metadata.absent(world)
    known = sorted(host.broker.records.items())
    return [fields(record, number in live) for number, record in known if number not in absent]


def status_json(world: World, host: Host) -> str:
    """The one line of `--vm-status --json` as this host's broker answers it."""
    hosts: dict[str, object] = {str(one["host-id"]): one for one in _seen(world, host)}
    return json.dumps({**hosts, "global_maintenance": host.broker.global_maintenance}) + "\n"


def status_text(world: World, host: Host) -> str:
    """The text of `--vm-status`; stale hosts have their engine status masked, nothing else."""
    blocks = [_block(one) for one in _seen(world, host)]
    banner = BANNER if host.broker.global_maintenance else ""
    return banner + "".join(blocks) + banner


def _block(one: dict[str, object]) -> str:
    lines = ["", "", f"--== Host {one['hostname']} (id: {one['host-id']}) status ==--", ""]
    for label, key in _TEXT_KEYS:
        value = one[key]
        if key == "engine-status":
            value = json.dumps(value) if one["live-data"] else "unknown stale-data"
        lines.append(f"{label:<35}: {value}")
    lines.append("Extra metadata (valid at timestamp):")
    lines += ["\t" + line for line in str(one["extra"]).splitlines()]
    return "\n".join(lines) + "\n"


def broker_down(stale_socket: bool, as_json: bool) -> str:
    """stderr of `--vm-status` without a broker: a traceback with --json, four lines without (facts 2.6)."""
    errno, name, column = REFUSED if stale_socket else NO_SOCKET
    if as_json:
        return traceback(f"{name}: {errno}", column)
    return (
        f"{errno}\n{NO_DAEMON}An error occured while retrieving vm status, please make sure the HA daemon is ready"
        " and reachable.\nUnable to connect the HA Broker \n"
    )
