"""The faults that the lab takes: what each does to the world, and how it is undone.

What a fault does to open connections is only named here (`wire`); lab/control.py lets the SSH servers do it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lab import he_metadata, life, life_broker, life_vm, multipath, oracle_vm, programs_system
from lab.backup import faults as backup_faults
from lab.corrupt import KINDS
from lab.san import faults as san_faults
from lab.san import settle as san
from lab.world import ENGINE, Fault, Hba, Host, World

Act = Callable[[World, str, Mapping[str, str]], None]


@dataclass(frozen=True)
class Spec:
    """target: "host" | "engine" | "fabric" | "host or engine", or a kind of lab/san/faults.py. needs: the arguments
    that must be given; choices: those that may be, with their values (any number when the first is one, anything when
    the last is ""). clear None: the fault is an event and leaves nothing to undo. wire / wire_clear: silence | reset |
    rekey | kill-silence."""

    title: str
    target: str
    apply: Act
    clear: Act | None = None
    needs: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wire: str = ""
    wire_clear: str = ""


class Unknown(ValueError):
    """No such fault, target or argument; the text says what is known."""


def inject(world: World, name: str, target: str, args: Mapping[str, str]) -> Spec:
    """Puts a fault in force. Raises Unknown. The same fault on the same target is put in force anew."""
    spec = SPECS.get(name)
    if spec is None:
        raise Unknown(f"There is no fault {name}; known are {', '.join(sorted(SPECS))}.")
    _check(world, spec, name, target, args)
    life.tick(world)
    san.rehearse(world, Fault(name, target, world.at, dict(args)))
    if spec.clear is not None:
        key = _key(name, target, args)
        world.faults[:] = [fault for fault in world.faults if _key(fault.name, fault.target, fault.args) != key]
        world.faults.append(Fault(name, target, world.at, dict(args)))
    spec.apply(world, target, args)
    san.settle(world)
    life.act(world)
    return spec


def clear(world: World, name: str = "", target: str = "") -> list[tuple[Fault, Spec]]:
    """Undoes the faults of a name and target; "" means any. Returns what was undone."""
    life.tick(world)
    gone = [f for f in world.faults if name in ("", f.name) and target in ("", f.target)]
    world.faults[:] = [fault for fault in world.faults if fault not in gone]
    for fault in gone:
        act = SPECS[fault.name].clear
        if act is not None:
            act(world, fault.target, fault.args)
    san.settle(world)
    life.act(world)
    return [(fault, SPECS[fault.name]) for fault in gone]


def _key(name: str, target: str, args: Mapping[str, str]) -> tuple[str, ...]:
    return (
        name,
        target,
        *(args.get(word, "") for word in _PART_OF_KEY),
    )


_PART_OF_KEY = ("command", "unit", "host", "collection", "wwid", "hba", "which", "port", "fabric", "controller", "lun")


def _check(world: World, spec: Spec, name: str, target: str, args: Mapping[str, str]) -> None:
    if spec.target == "host" and target not in world.hosts:
        raise Unknown(f"{name} needs a host; {target or 'none'} is not one of the estate.")
    if spec.target == "host or engine" and target != ENGINE and target not in world.hosts:
        raise Unknown(f"{name} needs a host or the word engine.")
    if spec.target == "oracle VM" and target not in world.oracle_machines:
        raise Unknown(f"{name} needs one of {', '.join(world.oracle_machines) or 'no VM at all'}.")
    if spec.target == "fabric" and target not in world.fabrics:
        raise Unknown(f"{name} needs a fabric, A or B.")
    _check_device(world, spec, name, target)
    missing = [word for word in spec.needs if not args.get(word)]
    if missing:
        raise Unknown(f"{name} needs {', '.join(word + '=...' for word in missing)}.")
    if "kind" in spec.needs and args["kind"] not in KINDS:
        raise Unknown(f"{name}: kind is one of {', '.join(KINDS)}.")
    _check_choices(spec, name, args)
    if args.get("host") and args["host"] not in world.hosts:
        raise Unknown(f"{name}: {args['host']} is not a host of the estate.")


def _check_device(world: World, spec: Spec, name: str, target: str) -> None:
    design = world.san.design if world.san is not None else None
    known = {"switch": list(design.switches), "array": list(design.arrays)} if design is not None else {}
    known["switch or array"] = [*known.get("switch", ()), *known.get("array", ())]
    if spec.target in known and target not in known[spec.target]:
        raise Unknown(f"{name} needs one of {', '.join(known[spec.target]) or 'no device at all'}.")


def _check_choices(spec: Spec, name: str, args: Mapping[str, str]) -> None:
    for word, values in spec.choices.items():
        given = args.get(word, "")
        if values[0].isdigit() and given.replace(".", "", 1).isdigit():
            continue
        if given not in ("", *values) and values[-1]:
            raise Unknown(f"{name}: {word} is one of {', '.join(values)}.")


# --- hosts


def _power(on: bool) -> Act:
    def act(world: World, target: str, args: Mapping[str, str]) -> None:
        if on:
            world.faults[:] = [f for f in world.faults if (f.name, f.target) != ("power-off", target)]
        life.power(world, target, on)

    return act


def _nothing(world: World, target: str, args: Mapping[str, str]) -> None:
    """The whole effect is on the wire, or on the files of the engine VM (lab/backup/settle.py)."""


def _hanging(on: bool) -> Act:
    def act(world: World, target: str, args: Mapping[str, str]) -> None:
        world.machine(target).hanging = on

    return act


def _hang_command(world: World, target: str, args: Mapping[str, str]) -> None:
    world.machine(target).hang.add(args["command"])


def _unhang_command(world: World, target: str, args: Mapping[str, str]) -> None:
    world.machine(target).hang.discard(args["command"])


def _idle_command(world: World, target: str, args: Mapping[str, str]) -> None:
    world.machine(target).idle.add(args["command"])


def _unidle_command(world: World, target: str, args: Mapping[str, str]) -> None:
    world.machine(target).idle.discard(args["command"])


def _corrupt(world: World, target: str, args: Mapping[str, str]) -> None:
    world.machine(target).corrupt[args["command"]] = args["kind"]


def _uncorrupt(world: World, target: str, args: Mapping[str, str]) -> None:
    world.machine(target).corrupt.pop(args["command"], None)


def _stop(unit: str = "") -> Act:
    def act(world: World, target: str, args: Mapping[str, str]) -> None:
        host = world.machine(target)
        programs_system.stop_unit(world, host, unit or args["unit"])
        host.broker.stale_socket = args.get("stale", "") not in ("", "0", "false")

    return act


def _start(unit: str = "") -> Act:
    def act(world: World, target: str, args: Mapping[str, str]) -> None:
        world.faults[:] = [
            f for f in world.faults if (f.name, f.target) != ("stop-agent", target) or unit != "ovirt-ha-agent"
        ]
        programs_system.start_unit(world, world.machine(target), unit or args["unit"])

    return act


def _disk(percent: int) -> Act:
    def act(world: World, target: str, args: Mapping[str, str]) -> None:
        world.machine(target).disk_used_percent = percent

    return act


def _penalty(key: str, word: str, default: int) -> Act:
    def act(world: World, target: str, args: Mapping[str, str]) -> None:
        world.hosts[target].penalties[key] = int(args.get(word, default))

    return act


def _no_penalty(key: str) -> Act:
    def act(world: World, target: str, args: Mapping[str, str]) -> None:
        world.hosts[target].penalties.pop(key, None)

    return act


def _skew(world: World, target: str, args: Mapping[str, str]) -> None:
    if target == ENGINE:
        world.engine_faults["clock_skew"] = float(args["seconds"])
    world.machine(target).clock_offset = float(args["seconds"])


def _unskew(world: World, target: str, args: Mapping[str, str]) -> None:
    if target == ENGINE:
        world.engine_faults.pop("clock_skew", None)
    world.machine(target).clock_offset = 0.0


# --- FC


def _hbas(host: Host, fabric: str) -> list[Hba]:
    return [hba for hba in host.hbas if hba.fabric == fabric]


def _pull_fabric(world: World, target: str, args: Mapping[str, str]) -> None:
    """The whole fabric, or one host's port on it."""
    only = args.get("host", "")
    if not only:
        world.fabrics[target] = False
    for host in [world.hosts[only]] if only else world.hosts.values():
        for hba in _hbas(host, target):
            hba.online = hba.online and not only
            multipath.lose(world, host, hba=hba.wwpn)


def _plug_fabric(world: World, target: str, args: Mapping[str, str]) -> None:
    only = args.get("host", "")
    if not only:
        world.fabrics[target] = True
    world.faults[:] = [
        f for f in world.faults if (f.name, f.target, f.args.get("host", "")) != ("pull-fabric", target, only)
    ]
    for host in [world.hosts[only]] if only else world.hosts.values():
        for hba in _hbas(host, target):
            hba.online = hba.online or bool(only)
        multipath.mend(world, host)


def _fail_path(world: World, target: str, args: Mapping[str, str]) -> None:
    """One LUN's path or all paths of a LUN, HBA or array port: wwid=, hba=, target_wwpn=."""
    host = world.hosts[target]
    multipath.lose(world, host, hba=args.get("hba", ""), target=args.get("target_wwpn", ""), wwid=args.get("wwid", ""))


def _mend_path(world: World, target: str, args: Mapping[str, str]) -> None:
    multipath.mend(world, world.hosts[target])


# --- the engine


def _kill_service(world: World, target: str, args: Mapping[str, str]) -> None:
    world.engine_health = "dead"


def _restart_service(world: World, target: str, args: Mapping[str, str]) -> None:
    world.faults[:] = [fault for fault in world.faults if fault.name != "kill-engine-service"]
    if life_vm.running_on(world):
        life_vm.restart_service(world)


def _recover_service(world: World, target: str, args: Mapping[str, str]) -> None:
    """Only a service that is still dead is started; a VM that booted anew has started its own."""
    if world.engine_health == "dead":
        _restart_service(world, target, args)


def _poweroff_vm(world: World, target: str, args: Mapping[str, str]) -> None:
    name = life_vm.running_on(world)
    if not name:
        raise Unknown("The engine VM does not run.")
    life_vm.destroy(world, world.hosts[name])
    life_broker.poll(world, world.hosts[name])


def _engine_flag(key: str) -> tuple[Act, Act]:
    def on(world: World, target: str, args: Mapping[str, str]) -> None:
        world.engine_faults[key] = True

    def off(world: World, target: str, args: Mapping[str, str]) -> None:
        world.engine_faults.pop(key, None)

    return on, off


def _html_500(world: World, target: str, args: Mapping[str, str]) -> None:
    _refresh_html_500(world)


def _refresh_html_500(world: World) -> None:
    broken = {fault.args["collection"] for fault in world.faults if fault.name == "engine-html-500"}
    if broken:
        world.engine_faults["html_500"] = broken
    else:
        world.engine_faults.pop("html_500", None)


def _expire(world: World, target: str, args: Mapping[str, str]) -> None:
    world.engine_faults["expire"] = world.at


def _san(name: str) -> Spec:
    """A fault of the SAN: its effect is the SAN's new design (lab/san/settle.py), or happens once."""
    fault = san_faults.FAULTS[name]

    def once(world: World, target: str, args: Mapping[str, str]) -> None:
        if fault.event is not None:
            fault.event(world, Fault(name, target, world.at, dict(args)))

    return Spec(fault.title, fault.target, once, None if fault.event else _nothing, choices=fault.choices)


SPECS: dict[str, Spec] = {
    "power-off": Spec(
        "Cut a host's power", "host", _power(False), _power(True), wire="kill-silence", wire_clear="reset"
    ),
    "power-on": Spec("Give a host its power back", "host", _power(True), wire="reset"),
    "drop-links": Spec("Reset every connection to a host", "host or engine", _nothing, wire="reset"),
    "hang-ssh": Spec(
        "Accept connections to a host and answer none",
        "host or engine",
        _hanging(True),
        _hanging(False),
        wire="silence",
        wire_clear="reset",
    ),
    "hang-command": Spec("Let a command never return", "host or engine", _hang_command, _unhang_command, ("command",)),
    "idle-command": Spec(
        "Let command lines that begin so end with 0 and do nothing",
        "host or engine",
        _idle_command,
        _unidle_command,
        ("command",),
    ),
    "corrupt-output": Spec("Spoil a command's output", "host or engine", _corrupt, _uncorrupt, ("command", "kind")),
    "change-host-key": Spec("Give a host a new SSH host key", "host or engine", _nothing, wire="rekey"),
    "stop-agent": Spec("Stop ovirt-ha-agent", "host", _stop("ovirt-ha-agent"), _start("ovirt-ha-agent")),
    "start-agent": Spec("Start ovirt-ha-agent", "host", _start("ovirt-ha-agent")),
    "stop-broker": Spec(
        "Stop ovirt-ha-broker and keep it down", "host", _stop("ovirt-ha-broker"), _start("ovirt-ha-broker")
    ),
    "stop-unit": Spec("Stop a unit and keep it down", "host or engine", _stop(), _start(), ("unit",)),
    he_metadata.FAULT: Spec(
        "Spoil the shared metadata of the HA services",
        "host",
        _nothing,
        _nothing,
        choices={"kind": he_metadata.KINDS},
    ),
    **{name: Spec(title, "oracle VM", _nothing, _nothing) for name, title in oracle_vm.FAULTS.items()},
    "fill-disk": Spec("Fill a host's disk", "host or engine", _disk(100), _disk(41)),
    "gateway-loss": Spec(
        "Let a host lose its gateway",
        "host",
        _penalty("gateway-tests-lost", "lost", 5),
        _no_penalty("gateway-tests-lost"),
    ),
    "cpu-load": Spec(
        "Load a host's CPUs", "host", _penalty("cpu-load-percent", "percent", 90), _no_penalty("cpu-load-percent")
    ),
    "clock-skew": Spec("Let a clock be wrong", "host or engine", _skew, _unskew, ("seconds",)),
    "pull-fabric": Spec("Pull a fabric, or one host's cable to it", "fabric", _pull_fabric, _plug_fabric),
    "plug-fabric": Spec("Plug a fabric in again", "fabric", _plug_fabric),
    "fail-path": Spec("Let paths of a host fail", "host", _fail_path, _mend_path),
    "flap-path": Spec("Let paths of a host fail and come back before anybody looks", "host", multipath.flap),
    "kill-engine-service": Spec("Let the engine service die inside its VM", ENGINE, _kill_service, _recover_service),
    "restart-engine-service": Spec("Start the engine service again", ENGINE, _restart_service),
    "poweroff-engine-vm": Spec("Switch the engine VM off", ENGINE, _poweroff_vm),
    "engine-html-500": Spec(
        "Let the engine answer one collection with HTML and status 500",
        ENGINE,
        _html_500,
        lambda world, target, args: _refresh_html_500(world),
        ("collection",),
    ),
    "engine-hang": Spec("Let the engine accept requests and answer none", ENGINE, *_engine_flag("hang")),
    "sso-hang": Spec("Let the engine's login hang", ENGINE, *_engine_flag("sso_hang")),
    "engine-db-down": Spec("Let the health page say that the database is down", ENGINE, *_engine_flag("db_down")),
    "fail-migrations": Spec("Let live migrations end where they began", ENGINE, *_engine_flag("fail_migrations")),
    "expire-tokens": Spec("Let every engine token expire", ENGINE, _expire),
    **{
        name: Spec(title, ENGINE, _nothing, _nothing, choices=backup_faults.CHOICES.get(name, {}))
        for name, title in backup_faults.TITLES.items()
    },
    **{name: _san(name) for name in san_faults.FAULTS},
}
