"""Who sees what at an array, in both mapping models, and its alarms (facts/san.md 2.3)."""

from __future__ import annotations

import json
from collections.abc import Callable

from lab.san import array_shapes
from lab.san.array_shapes import Row, hosts_of, targets_of
from lab.san.design import DR, Array
from lab.san.live import Live
from lab.world import Host

# the words of the vendor's alarms are not known; these are the lab's
_ALARMS = {
    "controller": ("0xF00CE0001", 6, "Controller is faulty", "The controller ({}) is offline or faulty.",
                   "Replace the controller."),
    "port": ("0xF00CE0002", 5, "Host port is disconnected", "The FC port ({}) is link down.",
             "Check cable and switch port."),
    "link": ("0xF00CE0003", 5, "Remote replication link is down", "The links to the remote device of {} are down.",
             "Check the links between the sites."),
    "split": ("0xF00CE0004", 3, "Consistency group is split", "The consistency group ({}) is split.",
              "Synchronise it."),
}  # fmt: skip


def host_ids(live: Live, array: Array, group: int) -> list[int]:
    """The hosts of a host group. The DR array's group stays empty until its LUNs are given to hosts."""
    if array.name == DR and not any(volume.groups for volume in array.volumes):
        return []
    return [number for number, host in enumerate(hosts_of(live)) if host.group == group]


def group_numbers(live: Live) -> list[int]:
    """One host group and one LUN group per group of hosts that share their LUNs."""
    return sorted({host.group for host in hosts_of(live)})


def host_groups(live: Live, array: Array) -> list[Row]:
    """hostgroup."""
    return [_named(live, array, 14, number, array.group) for number in _groups(live, array)]


def lun_groups(live: Live, array: Array) -> list[Row]:
    """lungroup."""
    return [_named(live, array, 256, number, array.group.replace("HG", "LG")) for number in _groups(live, array)]


def _groups(live: Live, array: Array) -> list[int]:
    return [] if array.direct else group_numbers(live)


def _named(live: Live, array: Array, kind: int, number: int, stem: str) -> Row:
    name = stem if len(group_numbers(live)) == 1 else f"{stem}_{number}"
    return {"TYPE": kind, "ID": str(number), "NAME": name, "ISADD2MAPPINGVIEW": "true"}


def port_groups(live: Live, array: Array) -> list[Row]:
    """portgroup."""
    return [{"TYPE": 257, "ID": "0", "NAME": "PG_HOSTS"}] if array.port_group and not array.direct else []


def views(live: Live, array: Array) -> list[Row]:
    """mappingview: with the ids of its groups, as Dorado V6 has them."""
    return [
        {
            "TYPE": 245,
            "ID": str(number + 1),
            "NAME": f"MV_{array.group.partition('_')[2]}_{number}",
            "HOSTGROUPID": str(number),
            "LUNGROUPID": str(number),
            "PORTGROUPID": "0" if array.port_group else "",
        }
        for number in _groups(live, array)
    ]


def seen(live: Live, array: Array, host: Host) -> list[Row]:
    """lun/associate of a host: covers both models."""
    return [
        {
            "TYPE": "11",
            "ID": str(volume.id),
            "NAME": volume.name,
            "WWN": volume.wwn,
            "HEALTHSTATUS": "1",
            "RUNNINGSTATUS": "27",
            "ASSOCIATEMETADATA": json.dumps({"HostLUNID": volume.host_lun_id}),
        }
        for volume in array.volumes
        if volume.seen_by(host.name, host.group)
    ]


def mappings(live: Live, array: Array) -> list[Row]:
    """mapping: one row per host and LUN."""
    return [
        {"TYPE": 245, "ID": f"{number}_{volume.id}", "hostId": str(number), "hostName": host.name,
         "lunId": str(volume.id), "lunName": volume.name, "hostLunId": str(volume.host_lun_id)}
        for number, host in enumerate(hosts_of(live))
        for volume in array.volumes
        if volume.seen_by(host.name, host.group)
    ]  # fmt: skip


Pick = Callable[[Live, Array, str], list[Row]]


def _luns_of_host(live: Live, array: Array, ident: str) -> list[Row]:
    known = hosts_of(live)
    return seen(live, array, known[int(ident)]) if ident.isdigit() and int(ident) < len(known) else []


def _luns_of_group(live: Live, array: Array, ident: str) -> list[Row]:
    if array.direct or not ident.isdigit():
        return []
    shown = {str(v.id) for v in array.volumes if int(ident) in v.groups or (array.name == DR and ident == "0")}
    return [row for row in array_shapes.luns(live, array) if row["ID"] in shown]


def _hosts_of_lun(live: Live, array: Array, ident: str) -> list[Row]:
    ids = {row["hostId"] for row in mappings(live, array) if row["lunId"] == ident}
    return [row for row in array_shapes.hosts(live, array) if row["ID"] in ids]


def _hosts_of_group(live: Live, array: Array, ident: str) -> list[Row]:
    ids = host_ids(live, array, int(ident)) if ident.isdigit() and not array.direct else []
    return [row for row in array_shapes.hosts(live, array) if int(row["ID"]) in ids]


def _ports_of_group(live: Live, array: Array, ident: str) -> list[Row]:
    wanted = array.port_group if ident == "0" else set()
    ids = {target.wwpn for target in targets_of(live, array) if target.wwpn in wanted}
    return [row for row in array_shapes.fc_ports(live, array) if row["WWN"] in ids]


def _of_view(rows: Callable[[Live, Array], list[Row]]) -> Pick:
    def pick(live: Live, array: Array, ident: str) -> list[Row]:
        number = int(ident) - 1 if ident.isdigit() else -1
        return [row for row in rows(live, array) if int(row["ID"]) == number]

    return pick


ASSOCIATED: dict[tuple[str, str], Pick] = {
    ("lun", "21"): _luns_of_host,
    ("lun", "256"): _luns_of_group,
    ("lungroup", "245"): _of_view(lun_groups),
    ("host", "14"): _hosts_of_group,
    ("host", "11"): _hosts_of_lun,
    ("mapping", "11"): _hosts_of_lun,
    ("hostgroup", "245"): _of_view(host_groups),
    ("fc_port", "257"): _ports_of_group,
    ("portgroup", "245"): lambda live, array, ident: port_groups(live, array),
}
"""(resource, ASSOCIATEOBJTYPE) -> rows for an ASSOCIATEOBJID."""


def alarms(live: Live, array: Array) -> list[Row]:
    """alarm/currentalarm, newest first."""
    assert live.world.san is not None
    own = [(key.split("|"), at) for key, at in live.world.san.alarms.items() if key.startswith(f"{array.name}|")]
    rows = []
    for number, ((_, kind, subject), at) in enumerate(sorted(own, key=lambda one: one[1]), 1001):
        ident, level, name, text, advice = _ALARMS[kind]
        rows.append(
            {
                "name": name,
                "description": text.format(subject),
                "suggestion": advice,
                "location": subject,
                "level": str(level),
                "startTime": str(array_shapes.array_time(live, array, at)),
                "eventID": str(int(ident, 16)),
                "strEventID": ident,
                "sequence": str(number),
                "alarmStatus": "1",
                "eventType": "1",
            }
        )
    return rows[::-1]
