"""Stage 6: what is left to do once the engine serves again."""

from __future__ import annotations

from backups.kit.act import Act, Stage, command, value
from backups.kit.content import Kit
from backups.kit.delta import sentence
from backups.kit.runbook_before import others
from backups.kit.words import listed

_SHOWN = 12


def after(kit: Kit) -> Stage:
    """Fencing, hosts, the old domain, keys, VMs, differences, a new backup, out of maintenance."""
    rest = listed((host.name for host in others(kit)), "all others")
    acts = (
        Act(
            "the engine VM",
            "see that fencing is back to what it was",
            (command("engine-config", "-g", "DisableFenceAtStartupInSec"),),
            "the value in /root/DisableFenceAtStartupInSec.txt, 300 when nobody changed it. 86400 means that the"
            " deployment did not end: set it with engine-config -s, and restart ovirt-engine.",
        ),
        Act(
            "every host, then the engine's pages",
            "look at each VM's real state before anybody starts one",
            (command("virsh", "-r", "list"),),
            _leases(kit),
            "the restore marks highly available VMs without a lease as down; one that still runs must not be started.",
        ),
        Act(
            "the engine's pages",
            f"reinstall the other hosts, one after the other: {rest}",
            (),
            "Maintenance, Installation > Reinstall with hosted engine action DEPLOY, Activate. Then its score is 3400"
            " in --vm-status of every host.",
            "move the VMs off a host before its maintenance; one host at a time.",
        ),
        Act(
            "the engine's pages",
            "remove the old hosted-engine domain",
            (),
            f"{_old_domain(kit)} Only after the new domain is active on every host.",
        ),
        Act(
            "the engine VM's console, then the portal",
            "pin the engine VM's new SSH host key",
            (command("ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub"),),
            "the fingerprint that the portal is offered. A person compares both, and confirms.",
        ),
        Act("the engine's pages", "set right what changed since the archive", (), _changes(kit)),
        Act(
            "the portal, or the engine VM",
            "take a new backup and let it climb the ladder",
            (command("engine-backup", "--mode=backup", "--scope=all"),),
            "a new entry that is proven. The command is for the day on which the portal is not there yet.",
        ),
        Act(
            "a host whose agent runs",
            "end global maintenance",
            (command("hosted-engine", "--set-maintenance", "--mode=none"),),
            "wait 20 s, then --vm-status on another host: no banner, EngineUp on one host, EngineDown on the others.",
        ),
        Act(
            "a workstation",
            "write down how long it took, and who was called",
            (command("curl", "-fsS", value(_health(kit), "the engine's FQDN")),),
            "DB Up!Welcome to Health Status!",
        ),
    )
    return Stage("The estate is whole again", acts)


def _health(kit: Kit) -> str:
    return f"http://{kit.engine.fqdn}/ovirt-engine/services/health" if kit.engine.fqdn else ""


def _leases(kit: Kit) -> str:
    if kit.vms.source.at is None:
        return "Not known: which VMs are highly available and hold a lease; look at each before it is started."
    bare = [vm.name for vm in kit.vms.rows if vm.ha and not vm.lease]
    held = [vm.name for vm in kit.vms.rows if vm.ha and vm.lease]
    return f"Without a lease: {listed(bare, 'none')}. Protected by a lease: {listed(held, 'none')}."


def _old_domain(kit: Kit) -> str:
    found = next((domain.name for domain in kit.storage.domains if domain.engine and domain.name), "")
    if not found:
        return "Not known: its name; it is the one whose name now ends in _old_ and a time."
    return f"it is named {found}_old_ and a time."


def _changes(kit: Kit) -> str:
    if kit.delta.source.at is None:
        return "Not known: what changed since the archive; compare the engine with the tables of this kit."
    if not kit.delta.changes:
        return "nothing changed between the archive and the last look."
    shown = " ".join(sentence(change) for change in kit.delta.changes[:_SHOWN])
    rest = len(kit.delta.changes) - _SHOWN
    return shown + (f" {rest} more stand in the kit's table." if rest > 0 else "")
