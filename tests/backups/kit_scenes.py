"""Estates for the kit's tests: full (all is known), empty (nothing is), drifted (much is wrong)."""

from __future__ import annotations

from dataclasses import replace

from backups.kit import delta
from backups.kit.conf import conf_file
from backups.kit.content import (
    Archive,
    Archives,
    Attachment,
    Contact,
    DirectLun,
    Domain,
    Drill,
    EngineVm,
    Host,
    Kit,
    Maintenance,
    Network,
    Networks,
    Nic,
    Package,
    Place,
    Recipient,
    Source,
    Spare,
    Storage,
    Vm,
    Vms,
)

NOW = 1_795_331_651  # 22 Nov 2026 07:14:11 UTC
HOUR, DAY = 3600, 86_400
API = Source(NOW - 240, "the engine's API")
TOLD = Source(NOW - 12 * DAY, "declared by a.banker")

HE_CONF = b"""fqdn=olvm-engine.bank.example
vm_disk_id=5ec79506-5121-45cf-b8ad-317a6bdac88d
vm_disk_vol_id=60d8efca-5b2b-4464-be5b-990866898530
vmid=6d2aee30-4274-4a9f-9f71-e78080ac3075
storage=None
conf=/var/run/ovirt-hosted-engine-ha/vm.conf
host_id=%d
console=vnc
domainType=fc
spUUID=00000000-0000-0000-0000-000000000000
sdUUID=ac82708b-d74c-4a58-a3fd-cda4203c8542
ca_subject="C=EN, L=Test, O=Test, CN=Test"
gateway=10.20.0.1
bridge=ovirtmgmt
network_test=ping

# The following are used only for iSCSI storage
iqn=
portal=
user=
password=%s
port=
"""
ANSWERS = b"""[environment:default]
OVEHOSTED_CORE/deployProceed=bool:True
OVEHOSTED_NETWORK/fqdn=str:olvm-engine.bank.example
OVEHOSTED_NETWORK/bridgeName=str:ovirtmgmt
OVEHOSTED_NETWORK/gateway=str:10.20.0.1
OVEHOSTED_ENGINE/clusterName=str:core
OVEHOSTED_ENGINE/adminPassword=str:Tr0ub4dor&3
OVEHOSTED_STORAGE/LunID=str:36f86eee1008d44e304f0cb4400000003
OVEHOSTED_STORAGE/iSCSIPortalPassword=none:None
OVEHOSTED_VM/cloudinitRootPwd=str:correct horse
OVEHOSTED_VM/vmMemSizeMB=int:16384
OVEHOSTED_VM/vmMACAddr=str:00:16:3e:23:18:fd
OVEHOSTED_VM/cloudinitVMStaticCIDR=str:10.20.0.5/24
OVEHOSTED_VM/cloudinitVMDNS=str:10.20.0.53
OVEHOSTED_VM/cloudinitVMTZ=str:Africa/Nairobi
OVEHOSTED_NOTIF/smtpServer=str:localhost
"""
PACKAGES = (
    Package("ovirt-engine-appliance", "4.5-20240817071039.1.el8"),
    Package("ovirt-hosted-engine-setup", "2.7.1-1.el8"),
    Package("ovirt-hosted-engine-ha", "2.5.1-1.el8"),
    Package("ovirt-ansible-collection", "3.2.0-1.el8"),
    Package("vdsm", "4.50.5.1-1.el8"),
)


def he_conf(host_id: int, password: bytes = b""):
    return conf_file("/etc/ovirt-hosted-engine/hosted-engine.conf", HE_CONF % (host_id, password))


def host(number: int, role: str) -> Host:
    name = f"kvm0{number}"
    return Host(
        name=name,
        source=Source(NOW - 300, f"{name} over SSH"),
        address=f"10.20.0.1{number}",
        fqdn=f"{name}.bank.example",
        unique_id=f"4c4c4544-0050-4b10-8056-b7c04f34353{number}",
        he_host_id=number,
        role=role,
        cluster="core",
        wwpns=(f"10000090fa94210{number}", f"10000090fa94211{number}"),
        bmc=f"{name}-ilo.bank.example",
        packages=PACKAGES,
        appliance_engine="4.5.5",
        release="Oracle Linux Server 8.10",
        kernel="5.15.0-206.153.7.el8uek.x86_64",
        gateway="10.20.0.1",
        nics=(
            Nic("ens1f0", "physical", f"98:f2:b3:00:00:0{number}", 1500, True, "bond0"),
            Nic("bond0", "bond", f"98:f2:b3:00:00:0{number}", 1500, True, "ovirtmgmt"),
            Nic("ovirtmgmt", "bridge", f"98:f2:b3:00:00:0{number}", 1500, True, "", None, (f"10.20.0.1{number}/24",)),
            Nic("bond1.120", "vlan", f"98:f2:b3:00:01:0{number}", 9000, True, "ora-pub", 120),
        ),
        conf_read=True,
        he_conf=he_conf(number),
        answers=conf_file("/etc/ovirt-hosted-engine/answers.conf", ANSWERS) if number == 1 else None,
        saved=(conf_file("/var/lib/ovirt-hosted-engine-setup/answers/answers-20250312091544.conf", ANSWERS),)
        if number == 1
        else (),
    )


def archive(key: str, taken: int) -> Archive:
    name = f"olvm-prod-{key}.backup"
    sealed = "9f2c" * 16
    return Archive(
        name=name,
        taken=taken,
        sha256="4be1" * 16,
        size=412_336_128,
        proven_to="rehearsal",
        proven=taken + 2 * HOUR,
        engine_version="4.5.5",
        os_version="oracle8",
        pg_version="12.22",
        recipients=("backup-2025", "vault-dr"),
        places=(
            Place("PROD", "/srv/holdfast/vault", f"{name}.age", sealed, 412_401_912, NOW - 2 * HOUR, True),
            Place("DR", "sftp://dr-store.bank.example/engine", f"{name}.age", sealed, 412_401_912, NOW - HOUR, True),
        ),
    )


THEN = delta.Inventory(
    NOW - 5 * HOUR,
    (
        delta.Thing("vm", "0b5c", "oradb01", (("memory", "256 GiB"),)),
        delta.Thing("vm", "0b5d", "app03"),
        delta.Thing("network", "n1", "ora-pub"),
    ),
)
SINCE = delta.Inventory(
    NOW - 240,
    (
        delta.Thing("vm", "0b5c", "oradb01", (("memory", "320 GiB"),)),
        delta.Thing("vm", "0b5e", "oradb03"),
        delta.Thing("network", "n1", "ora-pub"),
        delta.Thing("lun", "3600144f0000000000000000000000009", "3600144f0000000000000000000000009"),
    ),
)


def full() -> Kit:
    names = ("kvm01", "kvm02")
    return Kit(
        estate="olvm-prod",
        made=NOW,
        zone="Africa/Nairobi",
        engine=EngineVm(
            source=Source(NOW - 240, "the engine VM over SSH"),
            fqdn="olvm-engine.bank.example",
            version="4.5.5-1.25.el8",
            packages=(
                Package("ovirt-engine", "4.5.5-1.25.el8"),
                Package("ovirt-engine-dwh", "4.5.8-1.el8"),
                Package("postgresql-server", "12.22-1.module+el8"),
            ),
            release="Oracle Linux Server 8.10",
            kernel="5.15.0-206.153.7.el8uek.x86_64",
            address="10.20.0.5",
            prefix=24,
            gateway="10.20.0.1",
            dns=("10.20.0.53", "10.20.0.54"),
            mac="00:16:3e:23:18:fd",
            bridge="ovirtmgmt",
            vlan=0,
            vcpus=4,
            memory=16 * 2**30,
            disk=120 * 2**30,
            time_zone="Africa/Nairobi",
            smtp="localhost",
            keycloak=True,
            ca_expires=NOW + 3000 * DAY,
            data_center="Nairobi",
            cluster="core",
            compatibility="4.7",
            cpu_type="Secure Intel Icelake Server Family",
            admin_custody="password safe, entry olvm-prod/admin; two of the platform team",
            root_custody="password safe, entry olvm-prod/root; sealed envelope 14 in the DR safe",
        ),
        archives=Archives(
            source=Source(NOW - 60, "the catalog"),
            latest=archive("20261122T020003-r1842", NOW - 5 * HOUR - 840),
            previous=archive("20261121T020003-r1831", NOW - 29 * HOUR - 840),
            recipients=(
                Recipient(
                    "backup-2025", "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgp", "J. Mwangi", "safe, floor 3"
                ),
                Recipient(
                    "vault-dr", "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn", "DR desk", "safe, DR site"
                ),
            ),
        ),
        hosts=(host(1, "keeps the databases"), host(2, "target")),
        networks=Networks(
            API,
            (
                Network("ovirtmgmt", True, 0, 1500, tuple(Attachment(name, "bond0") for name in names)),
                Network("ora-pub", True, 120, 9000, tuple(Attachment(name, "bond1.120") for name in names)),
                Network("backup", False, 300, 1500, (Attachment("kvm01", "bond1.300"),)),
            ),
        ),
        storage=Storage(
            API,
            (
                Domain("hosted_storage", "ac82708b", "fcp", ("3600144f0000000000000000000000001",), True),
                Domain("core_data", "77aa0000", "fcp", ("3600144f0000000000000000000000002",)),
            ),
            tuple(
                DirectLun(
                    "oradb01", f"ora_data{n:02}", f"3600144f00000000000000000000001{n:02}", 2 * 2**40, f"36001ff{n:02}"
                )
                for n in range(1, 7)
            ),
            Spare("3600144f0000000000000000000000099", 80 * 2**30, "ZS9-2 pool1", names, NOW - 12 * DAY, TOLD),
        ),
        vms=Vms(
            API,
            (
                Vm("oradb01", "0b5c", True, "core_data", "kvm01", 1_048_576),
                Vm("oradb02", "0b60", True, "core_data", "kvm02", 1_048_576),
                Vm("app01", "0b61", False, "", "", 0),
            ),
        ),
        maintenance=Maintenance(Source(NOW - 60, "both hosts over SSH"), False, (), "kvm01"),
        delta=delta.since(THEN, SINCE, "two inventories"),
        drill=Drill(
            Source(NOW - 40 * DAY, "drill DR-2026-011"), "DR-2026-011", 74, "The engine served on the spare host."
        ),
        contacts=(
            Contact("Storage", "A. Otieno", "+254 20 555 0101"),
            Contact("Network", "duty desk", "+254 20 555 0102"),
        ),
        contacts_source=TOLD,
    )


def empty() -> Kit:
    return Kit(estate="olvm-prod", made=NOW)


def drifted() -> Kit:
    kit = full()
    one, two = kit.hosts
    two = replace(
        two,
        he_conf=conf_file(
            "/etc/ovirt-hosted-engine/hosted-engine.conf",
            HE_CONF.replace(b"10.20.0.1", b"10.20.0.254") % (1, b"s3cr3t"),
        ),
        he_host_id=1,
        kernel="5.15.0-208.159.3.el8uek.x86_64",
        appliance_engine="4.5.4",
        role="",
        bmc="",
    )
    assert kit.storage.spare
    assert kit.archives.latest
    latest = replace(
        kit.archives.latest,
        engine_version="4.5.5",
        places=(replace(kit.archives.latest.places[0], holds=False), kit.archives.latest.places[1]),
    )
    return replace(
        kit,
        hosts=(one, two),
        engine=replace(kit.engine, source=Source(NOW - 60 * HOUR, "the engine VM over SSH"), mac="", root_custody=""),
        archives=replace(kit.archives, latest=latest, previous=None),
        storage=replace(kit.storage, spare=replace(kit.storage.spare, wwid="3600144f0000000000000000000000002")),
        vms=replace(kit.vms, rows=(replace(kit.vms.rows[0], lease=""), *kit.vms.rows[1:])),
        maintenance=replace(kit.maintenance, everywhere=True),
        drill=None,
        delta=delta.since(None, SINCE, "two inventories"),
    )
