"""The `hosted-engine` script of a lab host: texts and exit codes of facts/hosted-engine.md 1, 2.6 and 4."""

from __future__ import annotations

from collections.abc import Callable

from lab import he_metadata, he_text, life, life_broker, life_vm
from lab.command import Reply
from lab.world import Host, World

STATUS_TOOK, QUICK_TOOK = 0.3, 0.05
NOT_DEPLOYED = "You must run deploy first\n"
LOCAL_REFUSED = (
    "Unable to enter local maintenance mode: the engine VM is running on the current host, please migrate it before"
    " entering local maintenance mode.\n"
)
_MISSING = "The hosted engine configuration has not been retrieved from shared storage yet,\n"
_LOGGER = "ovirt_hosted_engine_ha.agent"
_STARTED = (
    f"INFO:{_LOGGER}.hosted_engine.HostedEngine:Initializing ha-broker connection\n"
    f"INFO:{_LOGGER}.hosted_engine.HostedEngine:Broker initialized, all submonitors started\n"
)
_ENDED = f"INFO:{_LOGGER}.agent.Agent:Agent shutting down\n"


def hosted_engine(world: World, host: Host, argv: list[str]) -> Reply:
    """argv[0] is the script's name; argv[1] names the act."""
    option = argv[1] if len(argv) > 1 else ""
    if option in ("", "--help"):
        return Reply(out=_usage(), rc=0 if option else 1)
    if option not in _ACTS:
        return Reply(out=_usage(), err=f"Invalid option '{option}'\n", rc=1)
    if option == "--check-deployed":
        word = "has" if host.he_host_id is not None else "has not"
        return Reply(out=f"The hosted engine {word} been deployed\n", rc=0 if host.he_host_id is not None else 1)
    if host.he_host_id is None:
        return Reply(out=NOT_DEPLOYED, rc=1)
    if option in ("--vm-status", "--vm-start", "--vm-start-paused", "--clean-metadata") and not host.vm_conf:
        return Reply(out=_MISSING + _why_missing(world, host) + "\n", rc=1)
    return _ACTS[option](world, host, argv[2:])


def _why_missing(world: World, host: Host) -> str:
    if life_broker.unit_active(world, host, "ovirt-ha-agent"):
        return "for more details please check sanlock status.\n"
    return "please ensure that ovirt-ha-agent service is running.\n"


def _broker(world: World, host: Host) -> bool:
    return life_broker.unit_active(world, host, "ovirt-ha-broker")


def _status(world: World, host: Host, words: list[str]) -> Reply:
    as_json = "--json" in words
    took = QUICK_TOOK if world.quick else STATUS_TOOK
    if not _broker(world, host):
        return Reply(err=he_text.broker_down(host.broker.stale_socket, as_json), rc=1, took=took)
    if error := he_metadata.too_new(world):
        return Reply(err=error, rc=1, took=took)
    if as_json:
        return Reply(out=he_text.status_json(world, host), took=took)
    text = he_text.status_text(world, host)
    return Reply(out=text, rc=0 if text else 1, took=took)


def _liveliness(world: World, host: Host, words: list[str]) -> Reply:
    up = life_vm.phase(world) == "up"
    return Reply(out="Hosted Engine is up!\n" if up else "Hosted Engine is not up!\n", rc=0 if up else 1)


def _vm_start(world: World, host: Host, words: list[str]) -> Reply:
    record = world.engine.records.get(host.name)
    if record is not None and record.status != "Down":
        return Reply(out=f"VM exists and its status is {record.status}\n", rc=1)
    life_vm.start(world, host)
    life.act(world)
    if record is not None:
        return Reply(out="VM exists and is Down, cleaning up and restarting\nVM in WaitForLaunch\n")
    return Reply(out="VM in WaitForLaunch\n")


def _no_vm(world: World, verb: str, more: str) -> Reply:
    vm_id = life_vm.engine_vm(world).id
    return Reply(
        err=f"Command VM.{verb} with args {{'vmID': '{vm_id}'{more}}} failed:\n"
        f"(code=1, message=Virtual machine does not exist: {{'vmId': '{vm_id}'}})\n",
        rc=1,
    )


def _vm_shutdown(world: World, host: Host, words: list[str]) -> Reply:
    if not life_vm.running_on_host(world, host.name):
        return _no_vm(world, "shutdown", ", 'delay': '120', 'message': 'VM is shutting down!'")
    life_vm.shutdown(world, host)
    life.act(world)
    return Reply()


def _vm_poweroff(world: World, host: Host, words: list[str]) -> Reply:
    if host.name not in world.engine.records:
        return _no_vm(world, "destroy", "")
    life_vm.destroy(world, host)
    life.act(world)
    return Reply()


def _maintenance(world: World, host: Host, words: list[str]) -> Reply:
    """Writes all three flags, in the order local, global, manual; each may fail on its own (facts 4)."""
    mode = next((word.removeprefix("--mode=") for word in words if word.startswith("--mode=")), "")
    if not mode:
        return Reply(out="You must specify a maintenance mode with --mode\n", rc=1)
    if mode not in ("global", "local", "none"):
        return Reply(out=f"Invalid value '{mode}' for --mode\n", rc=1)
    if mode == "local" and life_vm.running_on_host(world, host.name):
        return Reply(err=LOCAL_REFUSED, rc=1)
    host.local_maintenance = mode == "local"
    if not _broker(world, host):
        return Reply(err=he_text.NO_DAEMON, rc=1)
    life.write_global(world, host, mode == "global")
    host.local_maintenance_manual = mode == "local"
    return Reply()


def _shared_config(world: World, host: Host, words: list[str]) -> Reply:
    known = {"gateway": "10.20.0.1", "fqdn": world.engine_fqdn, "host_id": str(host.he_host_id), "domainType": "fc"}
    key = words[0] if words else ""
    kind = next((word.removeprefix("--type=") for word in words if word.startswith("--type=")), "he_local")
    if key not in known:
        return Reply(err="Invalid configuration key\n" + "".join(f"{name}\n" for name in known), rc=1)
    return Reply(out=f"\n{key} : {known[key]}, type : {kind}\n\n")


def _clean_metadata(world: World, host: Host, words: list[str]) -> Reply:
    """Wipes one record; refuses with rc 0 when its agent did not end well, or cannot run with 157 (facts 1)."""
    if not _broker(world, host) or not host.broker.registered:
        text = (
            f"WARNING:{_LOGGER}.hosted_engine.HostedEngine:Hosted-engine storage domain is in invalid state\n"
            f"ERROR:{_LOGGER}.agent.Agent:Storage disconnected 'Hosted-engine storage domain is in invalid state'\n"
        )
        return Reply(err=_STARTED + text + _ENDED, rc=157)
    asked = next((word.partition("=")[2] for word in words if word.startswith("--host-id=")), "")
    number = int(asked) if asked.isdigit() else host.he_host_id or 0
    record = world.records.get(number)
    if record is None or record.stopped or "--force-cleanup" in words:
        world.records.pop(number, None)  # brokers keep what they have read (facts 2.6)
        return Reply(err=f"{_STARTED}{_ENDED}")
    text = "Cannot clean unclean metadata block. Consider --force-clean."
    return Reply(err=f"{_STARTED}ERROR:{_LOGGER}.hosted_engine.HostedEngine:{text}\n{_ENDED}")


def _not_here(world: World, host: Host, words: list[str]) -> Reply:
    return Reply(err="The lab does not play this command, because a portal must never send it.\n", rc=1)


_ACTS: dict[str, Callable[[World, Host, list[str]], Reply]] = {
    "--vm-status": _status,
    "--check-deployed": _not_here,
    "--check-liveliness": _liveliness,
    "--vm-start": _vm_start,
    "--vm-start-paused": _vm_start,
    "--vm-shutdown": _vm_shutdown,
    "--vm-poweroff": _vm_poweroff,
    "--set-maintenance": _maintenance,
    "--get-shared-config": _shared_config,
    "--set-shared-config": _not_here,
    "--add-console-password": _not_here,
    "--connect-storage": _not_here,
    "--disconnect-storage": _not_here,
    "--console": _not_here,
    "--reinitialize-lockspace": _not_here,
    "--clean-metadata": _clean_metadata,
    "--deploy": _not_here,
}


def _usage() -> str:
    return "Usage: hosted-engine [--help] <command> [<command-args>]\n" + "".join(f"    {name}\n" for name in _ACTS)
