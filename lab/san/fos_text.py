"""What a switch's shell prints of its ports, the fabric and its devices (facts/san.md 1.2). Tabs stay tabs here."""

from __future__ import annotations

import math
import time

from lab.san import counters, fos_zoning
from lab.san.design import Port, Switch, colons
from lab.san.fos_shapes import initiator_symbol, is_principal, port_state, port_symbol, wall
from lab.san.fos_version import VERSIONS
from lab.san.live import Live, Login

_STATES = {"online": "Online", "no_light": "No_Light", "no_module": "No_Module"}


def switchshow(live: Live, switch: Switch, words: list[str]) -> str:
    """switchshow."""
    up = not switch.disabled
    role = "Disabled" if not up else "Principal" if is_principal(live, switch) else "Subordinate"
    fabric = live.design.fabrics[switch.fabric]
    head = {
        "switchName": switch.name,
        "switchType": "170.5",
        "switchState": "Online   " if up else "Offline   ",
        "switchMode": "Native",
        "switchRole": role,
        "switchDomain": str(switch.domain),
        "switchId": f"{switch.fcid:06x}",
        "switchWwn": colons(switch.wwn),
        "zoning": f"ON ({fabric.cfg})",
        "switchBeacon": "OFF",
    }
    lines = [f"{key + ':':<16}{value}" for key, value in head.items()]
    lines += ["", "Index Port Address Media Speed       State   Proto", "=" * 50]
    return "\n".join([*lines, *(_port_line(live, switch, port) for port in switch.ports)]) + "\n"


def _port_line(live: Live, switch: Switch, port: Port) -> str:
    state = _STATES[port_state(live, switch, port)]
    media = "id" if port.module else "--"
    head = f"{port.number:4d}{port.number:4d}   {switch.port_fcid(port):06x}   {media}    N{port.gbit:<8}"
    return f"{head}{state:<12}FC  {_tail(live, switch, port)}"


def _tail(live: Live, switch: Switch, port: Port) -> str:
    if not port.licensed:
        return "(No POD License) Disabled"
    if not port.enabled:
        return "Disabled (Persistent)" if port.persistent_disable else "Disabled"
    if switch.disabled:
        return "Disabled (Switch disabled)"
    if port_state(live, switch, port) != "online":
        return ""
    if port.isl is None:
        return f"F-Port  {colons(port.peer)} "
    ends = fos_zoning.isl_ports(live, switch)
    master = ends[0][0]
    if port is not master:
        return f"E-Port  (Trunk port, master is Port {master.number} )"
    far = live.design.switches[port.isl[0]]
    way = "downstream" if is_principal(live, switch) else "upstream"
    trunk = "(Trunk master)" if len(ends) > 1 else ""
    return f'E-Port  {colons(far.wwn)} "{far.name}" ({way}){trunk}'


def fabricshow(live: Live, switch: Switch, words: list[str]) -> str:
    """fabricshow."""
    if switch.disabled:
        return "fabricshow: Switch is disabled\n"
    members = sorted((live.design.switches[name] for name in live.components[switch.name]), key=lambda one: one.domain)
    lines = ["Switch ID   Worldwide Name           Enet IP Addr    FC IP Addr      Name", "-" * 73]
    lines += [
        f"{one.domain:3d}: {one.fcid:06x} {colons(one.wwn)} {one.address:<15} {'0.0.0.0':<15} "
        f'{">" if is_principal(live, one) else " "}"{one.name}"'
        for one in members
    ]
    label = live.design.fabrics[switch.fabric].label
    return "\n".join([*lines, "", f"The Fabric has {len(members)} switches", f"Fabric Name: {label}"]) + "\n"


def islshow(live: Live, switch: Switch, words: list[str]) -> str:
    """islshow: one line per trunk."""
    ends = fos_zoning.isl_ports(live, switch)
    if not ends:
        return "No ISL found\n"
    port, far, there = ends[0]
    width = sum(one.gbit for one, _, _ in ends)
    return (
        f"  1: {port.number:2d}-> {there.number:2d} {colons(far.wwn)} {far.domain:3d} {far.name:<15} "
        f"sp: {port.gbit}.000G bw: {width}.000G TRUNK QOS CR_RECOV\n"
    )


def trunkshow(live: Live, switch: Switch, words: list[str]) -> str:
    """trunkshow."""
    ends = fos_zoning.isl_ports(live, switch)
    if not ends:
        return "No trunking links\n"
    return "".join(
        f"{'  1: ' if place == 0 else '     '}{port.number:2d}-> {there.number:2d} {colons(far.wwn)} {far.domain:3d} "
        f"deskew {15 + place}{' MASTER' if place == 0 else ''}\n"
        for place, (port, far, there) in enumerate(ends)
    )


# --- name server


def _entry(login: Login, ttl: bool) -> list[str]:
    head = f" N    {login.fcid:06x};      3;{colons(login.wwpn)};{colons(login.node)};"
    symbols = []
    if login.host is not None:
        symbols = [f"    PortSymb: {port_symbol(login)}", f"    NodeSymb: {initiator_symbol(login)}"]
    return [
        f"{head} na" if ttl else head,
        "    FC4s: FCP ",
        *symbols,
        f"    Fabric Port Name: {colons(login.port.wwn)} ",
        f"    Permanent Port Name: {colons(login.wwpn)}",
        f"    Device type: Physical {'Initiator' if login.host is not None else 'Target'}",
        f"    Port Index: {login.port.number}",
        "    Share Area: No",
        "    Device Shared in Other AD: No",
        "    Redirect: No ",
        "    Partial: No",
        "    LSAN: No",
    ]


def nsshow(live: Live, switch: Switch, words: list[str]) -> str:
    """nsshow -t: what is logged in to this switch."""
    own = [login for login in live.logins(switch) if login.switch is switch]
    if not own:
        return "There is no entry in the Local Name Server\n"
    lines = ["{", " Type Pid    COS     PortName                NodeName                 TTL(sec)"]
    lines += [line for login in own for line in _entry(login, ttl=True)]
    return "\n".join([*lines, f"The Local Name Server has {len(own)} entries }}"]) + "\n"


def nscamshow(live: Live, switch: Switch, words: list[str]) -> str:
    """nscamshow -t: what is logged in to the other switches of the fabric."""
    lines = ["nscam show for remote switches:"]
    far = [login for login in live.logins(switch) if login.switch is not switch]
    for other in {login.switch.name: login.switch for login in far}.values():
        own = [login for login in far if login.switch is other]
        version = VERSIONS[other.firmware].text[:6].replace(".", "")
        lines += [
            f"Switch entry for {other.domain}",
            "  state  rev    owner  cap_available",
            f"  known  {version}   0x{switch.fcid:06x} 1",
            f"  Device list: count {len(own)}",
            "     Type Pid    COS     PortName                NodeName",
            *(f"    {line}" for login in own for line in _entry(login, ttl=False)),
        ]
    return "\n".join(lines if far else [*lines, "No entry is found!"]) + "\n"


def nodefind(live: Live, switch: Switch, words: list[str]) -> str:
    """nodefind WWN | alias."""
    wanted = words[1] if len(words) > 1 else ""
    fabric = live.design.fabrics[switch.fabric]
    wwns = fabric.aliases.get(wanted, [wanted.lower()])
    login = next((one for one in live.logins(switch) if colons(one.wwpn) in wwns), None)
    if login is None:
        return "No device found\n"
    names = [name for name, members in fabric.aliases.items() if colons(login.wwpn) in members]
    head = " Type Pid    COS     PortName                NodeName                 SCR"
    lines = ["Local:" if login.switch is switch else "Remote:", head, *_entry(login, ttl=False)]
    lines[2] += " 0x00000003"
    return "\n".join([*lines, f"    Aliases: {' '.join(names)}"]) + "\n"


# --- counters, optics, log, firmware


def _short(value: int) -> str:
    """1.7g: small increments of large counters do not show."""
    for unit, factor in (("g", 10**9), ("m", 10**6), ("k", 10**3)):
        if value >= factor:
            return f"{value / factor:.1f}{unit}"
    return str(value)


_PORTERR = (
    "          frames      enc    crc    crc    too    too    bad    enc   disc   link   loss   loss   frjt   fbsy"
    "    c3timeout    pcs",
    "       tx     rx      in    err    g_eof  shrt   long   eof     out   c3    fail    sync   sig                "
    "   tx    rx     err",
)


def porterrshow(live: Live, switch: Switch, words: list[str]) -> str:
    """porterrshow: 18 columns for every port."""
    lines = list(_PORTERR)
    for port in switch.ports:
        counts = counters.of(live.world, port)
        leafs, frames = counts.leafs, (counts.out_frames, counts.in_frames) if port.peer else (0, 0)
        rest = [
            0, leafs["crc-errors"], leafs["crc-errors"], 0, 0, leafs["bad-eofs-received"],
            leafs["encoding-errors-outside-frame"], 0, leafs["link-failures"], leafs["loss-of-sync"],
            leafs["loss-of-signal"], 0, 0, 0, 0, 0,
        ]  # fmt: skip
        cells = [_short(value) for value in (*frames, *rest)]
        lines.append(f"{port.number:3d}:    " + "".join(f"{cell:<7}" for cell in cells[:-1]) + f"{cells[-1]:<4}")
    return "\n".join(lines) + "\n"


def portshow(live: Live, switch: Switch, words: list[str]) -> str:
    """portshow N."""
    port = _numbered(switch, words)
    if port is None:
        return "portshow: Invalid port number\n"
    up = port_state(live, switch, port) == "online"
    drops = counters.of(live.world, port).drops
    flags = "0x24b03        PRESENT ACTIVE F_PORT G_PORT U_PORT LOGICAL_ONLINE LOGIN NOELP LED ACCEPT FLOGI"
    phys = "6    In_Sync         portScn:   32   F_Port" if up else "4    No_Light        portScn:   0"
    lines = [
        f"portIndex: {port.number:3d}",
        f"portName: {port.name}",
        f"portHealth: {'HEALTHY' if up else 'OFFLINE'}",
        "",
        "Authentication: None",
        f"portDisableReason: {'Persistently disabled port' if port.persistent_disable else 'None'}",
        "portCFlags: 0x1",
        f"portFlags: {flags if up else '0x4001         PRESENT U_PORT LED'}",
        "LocalSwcFlags: 0x0",
        "portType:  24.0",
        f"POD Port: Port is {'licensed' if port.licensed else 'not licensed'}",
        f"portState: {'1    Online' if up else '2    Offline'}",
        "Protocol: FC",
        f"portPhys:  {phys}",
        f"state transition count:    {1 + 2 * drops}",
        f"portId:    {switch.port_fcid(port):06x}",
        f"portWwn:   {colons(port.wwn)}",
        "portWwn of device(s) connected:",
        f"\t{colons(port.peer)}" if up else "\tNone",
        "Distance:  normal",
        f"portSpeed: N{port.gbit}Gbps",
        "",
        f"FEC: {'Active' if up else 'Inactive'}",
        f"Credit Recovery: {'Active' if up else 'Inactive'}",
        "Peer beacon: Off",
        f"Interrupts:        0          Link_failure: {drops}          Frjt:         0",
        f"Loss_of_sync:      {drops}",
        f"Loss_of_sig:       {drops}",
        f"Invalid_crc:       {counters.of(live.world, port).errors}",
    ]
    return "\n".join(lines) + "\n"


def portstatsshow(live: Live, switch: Switch, words: list[str]) -> str:
    """portstatsshow N."""
    port = _numbered(switch, words)
    if port is None:
        return "portstatsshow: Invalid port number\n"
    counts = counters.of(live.world, port)
    leafs = counts.leafs
    rows = {
        "stat_wtx": (counts.out_octets // 4, "4-byte words transmitted"),
        "stat_wrx": (counts.in_octets // 4, "4-byte words received"),
        "stat_ftx": (counts.out_frames, "Frames transmitted"),
        "stat_frx": (counts.in_frames, "Frames received"),
        "stat_c3_frx": (counts.in_frames, "Class 3 frames received"),
        "er_enc_in": (0, "Encoding errors inside of frames"),
        "er_crc": (leafs["crc-errors"], "Frames with CRC errors"),
        "er_trunc": (0, "Frames shorter than minimum"),
        "er_toolong": (0, "Frames longer than maximum"),
        "er_bad_eof": (leafs["bad-eofs-received"], "Frames with bad end-of-frame"),
        "er_enc_out": (leafs["encoding-errors-outside-frame"], "Encoding error outside of frames"),
        "er_bad_os": (0, "Invalid ordered set"),
        "er_rx_c3_timeout": (0, "Class 3 receive frames discarded due to timeout"),
        "er_tx_c3_timeout": (0, "Class 3 transmit frames discarded due to timeout"),
        "er_c3_dest_unreach": (0, "Class 3 frames discarded due to destination unreachable"),
        "er_other_discard": (0, "Other discards"),
        "er_zone_miss": (0, "frames discarded due to hard zoning"),
        "er_lun_zone_miss": (0, "frames discarded due to LUN zoning"),
        "er_crc_good_eof": (leafs["crc-errors"], "Crc error with good eof"),
        "tim_txcrd_z": (0, "Time TX Credit Zero (2.5Us ticks)"),
        "er_pcs_blk": (0, "PCS block errors"),
    }
    lines = [f"{name}\t\t{value}\t\t{comment}" for name, (value, comment) in rows.items()]
    lines += [f"tim_txcrd_z_vc  {n:2d}-{n + 3:2d}:  0         0         0         0" for n in (0, 4, 8, 12)]
    return "\n".join([*lines, "phy_stats_clear_ts\t0\t\tTimestamp of phy_port stats clear"]) + "\n"


def _numbered(switch: Switch, words: list[str]) -> Port | None:
    number = words[1].rpartition("/")[2] if len(words) > 1 else ""
    return switch.ports[int(number)] if number.isdigit() and int(number) < len(switch.ports) else None


def sfpshow(live: Live, switch: Switch, words: list[str]) -> str:
    """sfpshow N and sfpshow -all."""
    if words[1:2] == ["-all"]:
        return "".join(
            f"=============\nPort {port.number:2d}:\n=============\n{_sfp(live, switch, port)}\n"
            for port in switch.ports
        )
    port = _numbered(switch, words)
    return "sfpshow: Invalid port number\n" if port is None else _sfp(live, switch, port)


def _sfp(live: Live, switch: Switch, port: Port) -> str:
    if not port.module:
        return "No SFP installed\n"
    lit = port_state(live, switch, port) == "online"
    rows = {
        "Identifier": "3    SFP",
        "Connector": "7    LC",
        "Transceiver": "540c404000000000 8,16,32_Gbps M5,M6 sw Short_dist",
        "Encoding": "6    64B66B",
        "Vendor Name": "EXAMPLE",
        "Vendor PN": "SFP28-32G85-SW",
        "Wavelength": "850  (units nm)",
        "Serial No": f"EX{switch.domain:04d}{port.number:02d}",
        "Temperature": "27      Centigrade",
        "Current": f"{7.5 if lit else 0.0:.1f}   mAmps",
        "Voltage": "3273.8  mVolts",
        "RX Power": _power(port.rx_uw if lit else 0.1),
        "TX Power": _power(1122.2 if lit else 0.1),
    }
    return "".join(f"{key + ':':<13}{value}\n" for key, value in rows.items())


def _power(microwatt: float) -> str:
    return f"{10 * math.log10(microwatt / 1000):.1f}    dBm ({microwatt:.1f}uW)"


def errdump(live: Live, switch: Switch, words: list[str]) -> str:
    """errdump."""
    speed = live.world.clock.speed
    offset = wall(live.world) - live.world.at / speed
    lines = [f"Fabric OS:  {VERSIONS[switch.firmware].text}", ""]
    for number, entry in fos_zoning.log(live, switch):
        stamp = time.strftime("%Y/%m/%d-%H:%M:%S", time.gmtime(offset + entry.at / speed))
        lines.append(f"{stamp}, [{entry.ident}], {number}, FID 128, {entry.severity}, {switch.name}, {entry.text}")
    return "\n".join(lines) + "\n"


def version(live: Live, switch: Switch, words: list[str]) -> str:
    """version."""
    return (
        f"Kernel:     2.6.34.6\nFabric OS:  {VERSIONS[switch.firmware].text}\nMade on:    Tue Sep 13 20:24:37 2022\n"
        "Flash:\t    Mon Jan 16 10:12:44 2023\nBootProm:   1.0.11\n"
    )


def firmwareshow(live: Live, switch: Switch, words: list[str]) -> str:
    """firmwareshow."""
    text = VERSIONS[switch.firmware].text
    return f"Appl     Primary/Secondary Versions\n{'-' * 42}\nFOS      {text}\n         {text}\n"
