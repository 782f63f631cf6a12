"""Stages 4 and 5: an empty LUN, and the deployment with its questions."""

from __future__ import annotations

from backups.kit.act import Act, Answer, Missing, Stage, answer, command, joined, value
from backups.kit.content import Kit
from backups.kit.runbook_before import opened, target_name, target_of
from backups.kit.words import listed, size

_ASK = "ask the network people"


def new_lun(kit: Kit) -> Stage:
    """Never the old one: it may still hold what the restore lacks, and FC refuses a LUN with data."""
    spare = kit.storage.spare
    wwid = value(
        spare.wwid if spare else "", "no spare LUN is declared; ask storage for an empty one of 75 GiB or more"
    )
    device = joined("/dev/mapper/", wwid)
    old = [wwid for domain in kit.storage.domains if domain.engine for wwid in domain.wwids]
    told = f"{size(spare.size)} on {spare.array or 'its array'}" if spare else "the size that storage promised"
    acts = (
        Act(
            target_name(kit),
            "see that the new LUN is there with all its paths",
            (command("multipath", "-ll", wwid), command("lsblk", "-b", "-o", "NAME,SIZE,FSTYPE", device)),
            f"{told}, no file system, no partition.",
            f"never the old hosted-engine LUN: {listed(old, 'which one it is, is not known; ask storage')}.",
        ),
        Act(
            target_name(kit),
            "see that nothing is on it",
            (command("wipefs", "--no-act", device),),
            "no line. Any signature: stop and ask storage.",
        ),
    )
    return Stage("The new LUN is empty", acts)


def deploy(kit: Kit) -> Stage:
    """The deployment in a tmux, its questions with this estate's answers, its waits."""
    path = opened(kit.archives.latest)
    acts = (
        Act(
            target_name(kit),
            "open a session that survives a lost link",
            (command("tmux", "new", "-s", "recovery"),),
            "after a lost link: tmux attach -t recovery.",
        ),
        Act(
            target_name(kit),
            "deploy from the archive",
            (command("hosted-engine", "--deploy", "--4", joined("--restore-from-file=", path)),),
            "questions; the answers of this estate are listed here, in the order of the deployment.",
            "do not append the old answers.conf: it names the old LUN and the old domain.",
            tuple(_answers(kit)),
        ),
        Act(
            target_name(kit),
            "wait for the restore",
            (),
            "engine-backup restores inside the local VM, then engine-setup runs, then the deployment waits 600 s for"
            " the engine to settle. Its log: /var/log/ovirt-hosted-engine-setup; the restore's, in the VM:"
            " /var/log/ovirt-engine/setup/restore-backup-*.log.",
            "a failed restore pauses for up to 24 h and names a lock file: correct it inside the local VM, then remove"
            " that file. Do not start over.",
        ),
        Act(
            target_name(kit),
            "choose the new LUN when the deployment asks for storage",
            (),
            "the domain is made, the VM's disk moves onto it, HA starts the VM.",
        ),
        Act(
            target_name(kit),
            "see the engine serve",
            (
                command("timeout", "30", "hosted-engine", "--check-liveliness"),
                command("timeout", "30", "hosted-engine", "--vm-status"),
            ),
            f"Hosted Engine is up! and, for this host, health good, detail Up. {_last_time(kit)}",
        ),
    )
    return Stage("The engine is deployed", acts, "Nothing runs in parallel: one person types, one reads along.")


def _last_time(kit: Kit) -> str:
    if kit.drill is None or kit.drill.minutes is None:
        return "How long it takes here is not known: it was never drilled and timed."
    return f"The drill took {kit.drill.minutes} min."


def _answers(kit: Kit) -> list[Answer]:
    vm, host = kit.engine, target_of(kit)
    cidr = joined(value(vm.address, _ASK), "/", value(vm.prefix, f"the prefix of the address; {_ASK}"))
    memory = f"{vm.memory >> 20} or more" if vm.memory else None
    gib = str(max(vm.disk >> 30, 61)) if vm.disk else None
    custody = "from its custody: "
    spare = kit.storage.spare
    return [
        answer("Proceed", "Yes"),
        answer(
            "Data center", value(vm.data_center, "its name; a wrong one is not corrected later. Ask a VM administrator")
        ),
        answer("Cluster", value(vm.cluster, "its name, as for the data centre")),
        answer("Renew the engine CA", "No (Yes only if it has ended: all hosts must then be reinstalled)"),
        answer("Pause after adding this host", _pause(kit)),
        answer("Keycloak", _keycloak(vm.keycloak)),
        answer("Gateway", value(vm.gateway, _ASK)),
        answer("NIC for the bridge", _bridge_nic(kit)),
        answer("Host name in the engine", value(host.name if host else "", "the target host is not declared")),
        answer("Engine VM FQDN", value(vm.fqdn, "it stands in the archive, and the deployment reads it from there")),
        answer("Engine VM vCPUs", value(vm.vcpus, "4 is the deployment's own proposal")),
        answer("Engine VM memory, MiB", value(memory, "16384 is the deployment's own proposal")),
        answer("Engine VM MAC", value(vm.mac, "take the deployment's proposal, and have DHCP and firewalls corrected")),
        answer("Engine VM network", "Static"),
        answer("Engine VM address", cidr),
        answer("DNS", value(", ".join(vm.dns), _ASK)),
        answer("Time zone", value(vm.time_zone, "the time zone of the hosts: timedatectl")),
        answer("SMTP server", value(vm.smtp, "localhost is the deployment's own proposal")),
        answer("Root password", joined(custody, value(vm.root_custody, "where it is kept; a new one can be set"))),
        answer("Admin password", joined(custody, value(vm.admin_custody, "where it is kept; a new one can be set"))),
        answer("Storage type", "fc"),
        answer("LUN", value(spare.wwid if spare else "", "see the stage before")),
        answer("Disk size, GiB", value(gib, "61 is the deployment's own proposal")),
    ]


def _pause(kit: Kit) -> str:
    required = [row.name for row in kit.networks.rows if row.required]
    if len(required) > 1:
        return f"Yes: attach {listed(required)} to this host before it goes on, or it becomes non_operational"
    return "No"


def _keycloak(on: bool | None) -> str | Missing:
    if on is None:
        return Missing("look for db/keycloak_backup.db in the archive (tar -tf): there is one means Yes")
    return "Yes" if on else "No"


def _bridge_nic(kit: Kit) -> str | Missing:
    """The device below the management bridge on the target, with its VLAN when it has one."""
    host, bridge = target_of(kit), kit.engine.bridge
    found = [nic.name for nic in host.nics if nic.master == bridge and bridge] if host else []
    if len(found) == 1:
        return found[0]
    row = next((row for row in kit.networks.rows if row.name == bridge), None)
    devices = {one.device for one in row.attached} if row else set()
    if len(devices) == 1:
        return devices.pop()
    return Missing(f"the device that carried {bridge or 'the management network'}; {_ASK}, or run ip -br link")
