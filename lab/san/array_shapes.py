"""The rows of an array's objects (facts/san.md 2.3). Every value is a string, but for a few TYPEs."""

from __future__ import annotations

import json
from typing import Any

from lab.san import counters, replication
from lab.san.design import DR, PROD, Array, Volume
from lab.san.live import Live
from lab.world import Host, TargetPort

Row = dict[str, Any]
SECTOR = 512
RELEASE, VERSION, MODE = "6.1.6", "V600R005C27", "812"
FIRST_PORT_ID = 1_114_368
NOT_AVAILABLE = "18446744073709551615"
CG_ID = "3400a30d0001000A"


def hosts_of(live: Live) -> list[Host]:
    """The hosts in the order of their ids at both arrays."""
    return list(live.world.hosts.values())


def targets_of(live: Live, array: Array) -> list[TargetPort]:
    """The array's ports in the order of their ids."""
    return [target for target in live.world.targets if target.array == array.name]


def owner(live: Live, array: Array, host: Host) -> Host:
    """The host that a host's initiators stand under at the array: itself, unless two were swapped."""
    pair = hosts_of(live)[:2]
    if array.swapped and host in pair and len(pair) == 2:
        return pair[1 - pair.index(host)]
    return host


def array_time(live: Live, array: Array, at: float | None = None) -> int:
    """Unix seconds of the array's own clock at a lab time; None: now."""
    return int(live.world.clock.wall_at(live.world.at if at is None else at) + array.clock_offset)


def system(live: Live, array: Array) -> Row:
    """system/."""
    return {
        "ID": array.serial,
        "NAME": array.name,
        "PRODUCTMODE": MODE,
        "PRODUCTVERSION": VERSION,
        "pointRelease": RELEASE,
        "wwn": array.wwn,
        "HEALTHSTATUS": "2" if array.dead else "1",
        "RUNNINGSTATUS": "1",
        "SECTORSIZE": str(SECTOR),
        "TOTALCAPACITY": "214748364800",
        "USEDCAPACITY": "53687091200",
        "userFreeCapacity": "161061273600",
        "LOCATION": array.location,
    }


def controllers(live: Live, array: Array) -> list[Row]:
    """controller. The living one becomes master when the master dies."""
    master = next((name for name in ("0A", "0B") if name not in array.dead), "")
    return [_controller(array, name, master) for name in ("0A", "0B")]


def _controller(array: Array, name: str, master: str) -> Row:
    dead = name in array.dead
    return {
        "TYPE": "207",
        "ID": name,
        "NAME": name,
        "LOCATION": f"CTE0.{name[1]}",
        "PARENTID": "0",
        "HEALTHSTATUS": "2" if dead else "1",
        "RUNNINGSTATUS": "28" if dead else "27",
        "ISMASTER": str(name == master).lower(),
        "ROLE": "1" if name == master else "2",
        "CPUUSAGE": "12",
        "MEMORYUSAGE": "55",
        "TEMPERATURE": "35",
        "DIRTYDATARATE": "3",
        "SOFTVER": RELEASE,
    }


def fc_ports(live: Live, array: Array) -> list[Row]:
    """fc_port."""
    return [_fc_port(live, array, number, target) for number, target in enumerate(targets_of(live, array))]


def _fc_port(live: Live, array: Array, number: int, target: TargetPort) -> Row:
    up = target.wwpn in live.up
    errors, drops = counters.far_end(live.world, target.wwpn)
    gbit = live.places[target.wwpn][1].gbit if target.wwpn in live.places else 32
    initiators = sum(1 for host in hosts_of(live) for _, port in live.nexuses(array, host) if port is target)
    return {
        "TYPE": "212",
        "ID": str(FIRST_PORT_ID + number),
        "NAME": f"P{target.port}",
        "LOCATION": target.location,
        "PARENTTYPE": "209",
        "PARENTID": target.module,
        "WWN": target.wwpn,
        "HEALTHSTATUS": "2" if target.controller in array.dead else "1",
        "RUNNINGSTATUS": "10" if up else "11",
        "LOGICTYPE": "0",
        "RUNSPEED": str(gbit * 1000) if up else "-1",
        "CONFSPEED": "0",
        "MAXSUPPORTSPEED": "32000",
        "FCCONFMODE": "3",
        "FCRUNMODE": "0",
        "INIORTGT": "3",
        "PORTSWITCH": "true",
        "SFPSTATUS": "2",
        "LOSTSIGNALS": str(drops),
        "LOSTSYNC": str(drops),
        "LINKFAIL": str(drops),
        "BADCRCNUM": str(errors),
        "BADCHARNUMBER": "0",
        "STARTTIME": "1700000000",
        "numberOfInitiators": str(initiators),
    }


def hosts(live: Live, array: Array) -> list[Row]:
    """host."""
    return [
        {
            "TYPE": 21,
            "ID": str(number),
            "NAME": host.name,
            "OPERATIONSYSTEM": "0",
            "HEALTHSTATUS": "1",
            "RUNNINGSTATUS": "1",
            "INITIATORNUM": str(len(host.hbas)),
            "ISADD2HOSTGROUP": str(not array.direct).lower(),
            "IP": "",
        }
        for number, host in enumerate(hosts_of(live))
    ]


def initiators(live: Live, array: Array) -> list[Row]:
    """fc_initiator. 27: logged in to this array."""
    rows = []
    known = hosts_of(live)
    for host in known:
        parent = owner(live, array, host)
        online = {hba.wwpn for hba, _ in live.nexuses(array, host)}
        for hba in host.hbas:
            rows.append(
                {
                    "TYPE": 223,
                    "ID": hba.wwpn,
                    "NAME": "",
                    "PARENTTYPE": 21,
                    "PARENTID": str(known.index(parent)),
                    "PARENTNAME": parent.name,
                    "HEALTHSTATUS": "1",
                    "RUNNINGSTATUS": "27" if hba.wwpn in online else "28",
                    "ISFREE": "false",
                    "MULTIPATHTYPE": "0",
                    "FAILOVERMODE": "255",
                    "PATHTYPE": "255",
                    "SPECIALMODETYPE": "255",
                    "OPERATIONSYSTEM": "255",
                }
            )
    return rows


def links(live: Live, array: Array) -> list[Row]:
    """host_link: the live I-T nexuses."""
    rows = []
    known = hosts_of(live)
    ids = {target.wwpn: str(FIRST_PORT_ID + n) for n, target in enumerate(targets_of(live, array))}
    for host in known:
        parent = owner(live, array, host)
        for hba, target in live.nexuses(array, host):
            rows.append(
                {
                    "TYPE": 255,
                    "ID": f"{hba.wwpn}-{int(ids[target.wwpn]):016d}",
                    "PARENTTYPE": 21,
                    "PARENTID": str(known.index(parent)),
                    "PARENTNAME": parent.name,
                    "INITIATOR_TYPE": "223",
                    "INITIATOR_ID": hba.wwpn,
                    "INITIATOR_PORT_WWN": hba.wwpn,
                    "INITIATOR_NODE_WWN": f"20{hba.wwpn[2:]}",
                    "TARGET_TYPE": "212",
                    "TARGET_ID": ids[target.wwpn],
                    "TARGET_PORT_WWN": target.wwpn,
                    "TARGET_NODE_WWN": array.wwn,
                    "CTRL_ID": "01"["AB".index(target.controller[1])],
                    "HEALTHSTATUS": "1",
                    "RUNNINGSTATUS": "27",
                }
            )
    return rows


def is_mapped(array: Array, volume: Volume) -> bool:
    """Whether the array calls it mapped: to hosts, or to a host group that may be empty."""
    return bool(volume.groups) or (array.name == DR and not array.direct)


def luns(live: Live, array: Array) -> list[Row]:
    """lun."""
    return [_lun(array, volume) for volume in array.volumes]


def _lun(array: Array, volume: Volume) -> Row:
    mapped = str(is_mapped(array, volume)).lower()
    replicated = "TRUE" if volume.replicated else "FALSE"
    objects = {"SnapShot": "FALSE", "LunCopy": "FALSE", "RemoteReplication": replicated, "HyperMirror": "FALSE"}
    return {
        "TYPE": "11",
        "ID": str(volume.id),
        "NAME": volume.name,
        "WWN": volume.wwn,
        "PARENTID": "0",
        "PARENTNAME": "POOL0",
        "CAPACITY": str(volume.size // SECTOR),
        "SECTORSIZE": str(SECTOR),
        "ALLOCCAPACITY": str(volume.size // SECTOR // 4),
        "ALLOCTYPE": "1",
        "USAGETYPE": "0",
        "HEALTHSTATUS": "1",
        "RUNNINGSTATUS": "27",
        "OWNINGCONTROLLER": "--",
        "WORKINGCONTROLLER": "--",
        "EXPOSEDTOINITIATOR": mapped,
        "mapped": mapped,
        "ISADD2LUNGROUP": "false" if array.direct or mapped == "false" else "true",
        "HASRSSOBJECT": json.dumps(objects),
        "NGUID": "",
    }


def pool(live: Live, array: Array) -> list[Row]:
    """storagepool."""
    return [
        {
            "TYPE": "216",
            "ID": "0",
            "NAME": "POOL0",
            "HEALTHSTATUS": "1",
            "RUNNINGSTATUS": "27",
            "USERTOTALCAPACITY": "214748364800",
            "USERFREECAPACITY": "161061273600",
            "USERCONSUMEDCAPACITY": "53687091200",
            "USERCONSUMEDCAPACITYPERCENTAGE": "25",
            "USERCONSUMEDCAPACITYTHRESHOLD": "80",
        }
    ]


# --- replication


def _other(live: Live, array: Array) -> Array:
    return live.design.arrays[PROD if array.name == DR else DR]


def pairs(live: Live, array: Array) -> list[Row]:
    """REPLICATIONPAIR as this array sees it."""
    far = _other(live, array)
    twins = {volume.id: volume for volume in far.volumes if volume.replicated}
    local = [volume for volume in array.volumes if volume.replicated and volume.id in twins]
    return [_pair(live, array, volume, twins[volume.id]) for volume in local]


def _pair(live: Live, array: Array, volume: Volume, twin: Volume) -> Row:
    pair, now = live.design.replication, replication.moment(live.world)
    far = _other(live, array)
    return {
        "TYPE": 263,
        "ID": f"3400a30d0001{volume.id:04x}",
        "ISPRIMARY": str(replication.is_primary(pair, array)).lower(),
        "LOCALRESTYPE": "11",
        "LOCALRESID": str(volume.id),
        "LOCALRESNAME": volume.name,
        "REMOTEDEVICEID": "0",
        "REMOTEDEVICENAME": far.name,
        "REMOTEDEVICESN": far.serial,
        "REMOTERESID": str(twin.id),
        "REMOTERESNAME": twin.name,
        "REPLICATIONMODEL": "1" if pair.synchronous else "2",
        "SYNCHRONIZETYPE": "1" if pair.synchronous else "2",
        "TIMINGVAL": "0" if pair.synchronous else str(pair.interval),
        "RECOVERYPOLICY": "1",
        "SPEED": "2",
        "HEALTHSTATUS": "1",
        "RUNNINGSTATUS": now.running,
        "PRIRESDATASTATUS": "1",
        "SECRESDATASTATUS": now.secondary,
        "ISDATASYNC": str(now.same).lower(),
        "SECRESACCESS": str(pair.access),
        "REPLICATIONPROGRESS": now.progress,
        **_times(live, array, now),
        "ISINCG": "true",
        "CGID": CG_ID,
        "CGNAME": pair.cg,
        "CAPACITY": str(volume.size // SECTOR),
        "SYNCLEFTTIME": "",
        "TIMEDIFFERENCE": "",
        "REMTIMEOUTPERIOD": "10",
    }


def _times(live: Live, array: Array, now: replication.Moment) -> Row:
    end = array_time(live, array, now.ended)
    start = end - 60 if now.started == now.ended else array_time(live, array, now.started)
    return {"STARTTIME": str(start), "ENDTIME": str(end)}


def groups(live: Live, array: Array) -> list[Row]:
    """CONSISTENTGROUP."""
    pair, now = live.design.replication, replication.moment(live.world)
    return [
        {
            "ID": CG_ID,
            "NAME": pair.cg,
            "ISPRIMARY": str(replication.is_primary(pair, array)).lower(),
            "ISEMPTY": "false",
            "REPLICATIONMODEL": "1" if pair.synchronous else "2",
            "RUNNINGSTATUS": now.running,
            "HEALTHSTATUS": "1",
            "SECRESACCESS": str(pair.access),
            "RECOVERYPOLICY": "1",
            "SPEED": "2",
            "SYNCHRONIZETYPE": "1" if pair.synchronous else "2",
            "TIMINGVAL": "60" if pair.synchronous else str(pair.interval),
            **_times(live, array, now),
        }
    ]


def remote(live: Live, array: Array) -> list[Row]:
    """remote_device."""
    far, lost = _other(live, array), live.design.replication.link_lost is not None
    return [
        {
            "ID": "0",
            "NAME": far.name,
            "SN": far.serial,
            "WWN": far.wwn,
            "ARRAYTYPE": "1",
            "HEALTHSTATUS": "2" if lost else "1",
            "RUNNINGSTATUS": "11" if lost else "10",
            "FCLINKNUM": "4",
            "IPLINKNUM": "0",
            "LINKNUM": "4",
        }
    ]
