"""What the kit holds (facts/engine-backup.md 8). Made of plain values only, so that portal.kernel.facts.dump and load
carry it to JSON and back.

"" and None mean "not known"; () means "none" only when its block was collected (`source.at`). Times are Unix seconds,
sizes bytes. What people must tell (custody, spare LUN, roles) stands beside what was read, under its own source."""

from __future__ import annotations

from dataclasses import dataclass, field

FORMAT = "holdfast-kit-1"


@dataclass(frozen=True)
class Source:
    """Where a block comes from. at: when it was read or declared, None: never. by: "kvm01 over SSH", "the engine's
    API", "declared by a.banker". why: sentences on what could not be read then. missed: when it was asked last and
    gave no answer, so that what stands here is older: it is shown, and counts as not known."""

    at: int | None = None
    by: str = ""
    why: tuple[str, ...] = ()
    missed: int | None = None


@dataclass(frozen=True)
class Package:
    """An installed package; version holds the release too ("4.5.5-1.25.el8")."""

    name: str
    version: str


@dataclass(frozen=True)
class ConfFile:
    """A configuration file with its passwords masked. sha256 is over `text`; with masked == 0 that is the file's own
    (its last line ended). masked: values that were replaced by ***."""

    path: str
    text: str
    sha256: str
    masked: int = 0


@dataclass(frozen=True)
class EngineVm:
    """The engine and the VM it runs in. Custody: where a password is kept and who may open it, never the password.
    prefix: of the address. dns: in their order. disk: bytes of the system disk. vlan 0: untagged."""

    source: Source = Source()
    fqdn: str = ""
    version: str = ""
    packages: tuple[Package, ...] = ()
    release: str = ""
    kernel: str = ""
    address: str = ""
    prefix: int | None = None
    gateway: str = ""
    dns: tuple[str, ...] = ()
    mac: str = ""
    bridge: str = ""
    vlan: int | None = None
    vcpus: int | None = None
    memory: int | None = None
    disk: int | None = None
    time_zone: str = ""
    smtp: str = ""
    keycloak: bool | None = None
    ca_expires: int | None = None
    data_center: str = ""
    cluster: str = ""
    compatibility: str = ""
    cpu_type: str = ""
    admin_custody: str = ""
    root_custody: str = ""


@dataclass(frozen=True)
class Place:
    """One copy of an archive. site: whose loss takes it ("PROD", "DR"). where: path or URL. name: the file there.
    sha256, size: of the file as it lies there (encrypted). holds: it was re-hashed there at `checked` and agreed."""

    site: str
    where: str
    name: str
    sha256: str
    size: int | None
    checked: int | None = None
    holds: bool | None = None


@dataclass(frozen=True)
class Archive:
    """One archive that is proven restorable. name: the file's name once it is opened. sha256, size: of the opened
    archive. proven_to: last rung, or "rehearsal". recipients: names of those who can open it."""

    name: str
    taken: int
    sha256: str
    size: int | None
    proven_to: str
    proven: int | None
    engine_version: str
    os_version: str
    pg_version: str
    encryption: str = "age"
    recipients: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Recipient:
    """Who can open archives: the public key, the person or role, and where the private key lies (never the key)."""

    name: str
    public_key: str
    custodian: str
    custody: str


@dataclass(frozen=True)
class Archives:
    """The newest archive that is proven restorable, the good one before it, and who opens them."""

    source: Source = Source()
    latest: Archive | None = None
    previous: Archive | None = None
    recipients: tuple[Recipient, ...] = ()


@dataclass(frozen=True)
class Nic:
    """A network interface of a host: physical, bond, vlan or bridge in `kind`; master: the bond or bridge it is in.
    addresses: "10.20.0.11/24"."""

    name: str
    kind: str
    mac: str
    mtu: int | None
    up: bool | None
    master: str = ""
    vlan: int | None = None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Host:
    """A host of the engine. name: as the engine lists it (vds_name). unique_id: vds_unique_id. role: declared, "target"
    of the deployment or "keeps the databases". appliance_engine: version of the engine inside the appliance package.
    he_conf, answers: None when the host has no such file; saved: older answer files. conf_read: False when the files
    could not be looked at, so that None says nothing. engine_vm: False when nobody ever said that it
    may run the engine's VM."""

    name: str
    source: Source = Source()
    address: str = ""
    fqdn: str = ""
    unique_id: str = ""
    he_host_id: int | None = None
    role: str = ""
    cluster: str = ""
    wwpns: tuple[str, ...] = ()
    bmc: str = ""
    packages: tuple[Package, ...] = ()
    appliance_engine: str = ""
    release: str = ""
    kernel: str = ""
    gateway: str = ""
    nics: tuple[Nic, ...] = ()
    conf_read: bool = False
    he_conf: ConfFile | None = None
    answers: ConfFile | None = None
    saved: tuple[ConfFile, ...] = ()
    engine_vm: bool = True

    def package(self, name: str) -> str:
        """The version of an installed package; "" when it was not seen."""
        return next((one.version for one in self.packages if one.name == name), "")


@dataclass(frozen=True)
class Attachment:
    """Where a logical network leaves a host: "bond0", "bond0.120"."""

    host: str
    device: str


@dataclass(frozen=True)
class Network:
    """A logical network. vlan 0: untagged. Hosts that lack a required one become non_operational and stop the
    deployment (facts/engine-backup.md 7)."""

    name: str
    required: bool | None
    vlan: int | None
    mtu: int | None
    attached: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Networks:
    """All logical networks of the cluster."""

    source: Source = Source()
    rows: tuple[Network, ...] = ()


@dataclass(frozen=True)
class Domain:
    """A storage domain with the WWIDs of its LUNs; engine: it carries the engine VM."""

    name: str
    uuid: str
    kind: str
    wwids: tuple[str, ...] = ()
    engine: bool = False


@dataclass(frozen=True)
class DirectLun:
    """A LUN that a VM uses directly. twin: the WWID of its replica, "" unknown."""

    vm: str
    disk: str
    wwid: str
    size: int | None
    twin: str = ""


@dataclass(frozen=True)
class Spare:
    """The LUN that a person reserved for the new hosted-engine domain. empty: when somebody saw it empty, None never.
    zoned_to: hosts that see it."""

    wwid: str
    size: int | None
    array: str
    zoned_to: tuple[str, ...]
    empty: int | None
    source: Source


@dataclass(frozen=True)
class Storage:
    """Domains and LUNs."""

    source: Source = Source()
    domains: tuple[Domain, ...] = ()
    direct: tuple[DirectLun, ...] = ()
    spare: Spare | None = None


@dataclass(frozen=True)
class Vm:
    """A VM. lease: name of the domain that holds its lease, "" none, None not known. host: where it runs, "" down.
    hugepages_kib: size of the pages that back its memory, 0 ordinary ones."""

    name: str
    uuid: str
    ha: bool | None
    lease: str | None
    host: str
    hugepages_kib: int | None = None


@dataclass(frozen=True)
class Vms:
    """All VMs but the engine's own."""

    source: Source = Source()
    rows: tuple[Vm, ...] = ()


@dataclass(frozen=True)
class Maintenance:
    """Maintenance as seen. everywhere: global maintenance. hosts: names in local maintenance. engine_host: name of
    the host that runs the engine VM."""

    source: Source = Source()
    everywhere: bool | None = None
    hosts: tuple[str, ...] = ()
    engine_host: str = ""


@dataclass(frozen=True)
class Change:
    """An object that the restored engine will not know as it is now. word: created | removed | changed. detail: what
    changed."""

    word: str
    kind: str
    name: str
    uuid: str
    detail: str = ""


@dataclass(frozen=True)
class Delta:
    """What changed since the archive. since: when the older of the two inventories was taken, None: there is none."""

    source: Source = Source()
    since: int | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Drill:
    """The last time somebody did it. minutes: until the engine served again."""

    source: Source
    name: str
    minutes: int | None
    sentence: str


@dataclass(frozen=True)
class Contact:
    """Who is called: role, name, how."""

    role: str
    name: str
    reach: str


@dataclass(frozen=True)
class Kit:
    """The whole. estate: the engine's name in the portal. zone: IANA name of the time zone that its pages use."""

    estate: str
    made: int
    zone: str = "UTC"
    engine: EngineVm = EngineVm()
    archives: Archives = Archives()
    hosts: tuple[Host, ...] = ()
    networks: Networks = Networks()
    storage: Storage = Storage()
    vms: Vms = Vms()
    maintenance: Maintenance = Maintenance()
    delta: Delta = Delta()
    drill: Drill | None = None
    contacts: tuple[Contact, ...] = ()
    contacts_source: Source = field(default_factory=Source)
    notes: str = ""  # what people wrote beside
    format: str = FORMAT

    def bystander(self, host: Host) -> bool:
        """The host is none of those that run the engine VM, and two others are: it was looked at, has no file of the
        hosted engine, and nobody said that it should. With fewer others a file that was lost would go unnoticed."""
        runs = sum(one.he_conf is not None for one in self.hosts)
        return runs >= 2 and host.conf_read and not (host.engine_vm or host.he_conf or host.role)
