"""What hosted-engine-setup leaves on a host and no engine backup holds: hosted-engine.conf and the answer files
(facts/engine-backup.md 8)."""

from __future__ import annotations

import uuid

from lab import life_vm, wiring
from lab.world import Host, World, uid

CONF = "/etc/ovirt-hosted-engine/hosted-engine.conf"
ANSWERS = "/etc/ovirt-hosted-engine/answers.conf"
DEPLOYED = "/var/lib/ovirt-hosted-engine-setup/answers/answers-20260211093012.conf"


def conf(world: World, host: Host) -> str:
    """hosted-engine.conf: the same on every host but for host_id."""
    lines = {
        "fqdn": world.engine_fqdn,
        "vmid": life_vm.engine_vm(world).id,
        "vm_disk_id": uid("image", "HostedEngine"),
        "vm_disk_vol_id": uid("volume", "HostedEngine"),
        "storage": "None",
        "domainType": "fc",
        "host_id": host.he_host_id,
        "spUUID": uuid.UUID(int=0),
        "sdUUID": _hosted(world),
        "connectionUUID": uuid.UUID(int=0),
        "gateway": wiring.GATEWAY,
        "network_test": "ping",
        "metadata_volume_UUID": uid("volume", "metadata"),
        "metadata_image_UUID": uid("image", "metadata"),
        "lockspace_volume_UUID": uid("volume", "lockspace"),
        "lockspace_image_UUID": uid("image", "lockspace"),
        "conf": "/var/run/ovirt-hosted-engine-ha/vm.conf",
        "conf_volume_UUID": uid("volume", "conf"),
        "conf_image_UUID": uid("image", "conf"),
        "bridge": "ovirtmgmt",
        "ca_cert": "/etc/pki/vdsm/libvirt-spice/ca-cert.pem",
    }
    return "".join(f"{key}={value}\n" for key, value in lines.items())


def answers(world: World, host: Host) -> str:
    """answers.conf: what the first deployment was told, kept on the shared storage and so the same on every host.
    No password stands in it."""
    vm, first = life_vm.engine_vm(world), next(iter(world.hosts.values()))
    lun = next((lun.wwid for lun in world.luns.values() if lun.domain_id == _hosted(world)), "")
    lines = {
        "OVEHOSTED_CORE/deployProceed": "bool:True",
        "OVEHOSTED_NETWORK/bridgeIf": f"str:{wiring.NETWORKS[0].device}",
        "OVEHOSTED_NETWORK/bridgeName": "str:ovirtmgmt",
        "OVEHOSTED_NETWORK/fqdn": f"str:{world.engine_fqdn}",
        "OVEHOSTED_NETWORK/gateway": f"str:{wiring.GATEWAY}",
        "OVEHOSTED_NETWORK/network_test": "str:ping",
        "OVEHOSTED_STORAGE/domainType": "str:fc",
        "OVEHOSTED_STORAGE/lunID": f"str:{lun}",
        "OVEHOSTED_STORAGE/storageDomainName": "str:hosted_storage",
        "OVEHOSTED_STORAGE/imgSizeGB": "str:61",
        "OVEHOSTED_VM/vmMemSizeMB": f"int:{vm.memory >> 20}",
        "OVEHOSTED_VM/vmVCpus": f"str:{vm.cores}",
        "OVEHOSTED_VM/vmMACAddr": f"str:{wiring.ENGINE_MAC}",
        "OVEHOSTED_VM/cloudinitVMStaticCIDR": f"str:{wiring.ENGINE_ADDRESS}/{wiring.PREFIX}",
        "OVEHOSTED_VM/cloudinitVMDNS": f"str:{','.join(wiring.DNS)}",
        "OVEHOSTED_VM/cloudinitVMTZ": "str:UTC",
        "OVEHOSTED_ENGINE/appHostName": f"str:{first.hostname}",
    }
    return "[environment:default]\n" + "".join(f"{key}={value}\n" for key, value in lines.items())


def _hosted(world: World) -> str:
    return next((key for key, value in world.domains.items() if value["name"] == "hosted_storage"), "")
