"""Sites, engines, clusters, hosts and VMs. What the engine says is *seen*; what people say is *declared*."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from portal.access.sealed import SealedField


class Site(models.Model):
    """A place: production or DR."""

    class Role(models.TextChoices):
        PRODUCTION = "production"
        DR = "dr"

    name = models.CharField(max_length=80, unique=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.PRODUCTION)

    def __str__(self) -> str:
        return self.name


class Engine(models.Model):
    """One oVirt engine and how to reach it and its hosts. url ends in /ovirt-engine/api. Username is free text:
    admin@internal or admin@ovirt@internalsso (facts/engine-api.md 0.19). ca_pem empty: the system's CAs."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="engines")
    name = models.CharField(max_length=80, unique=True)
    url = models.URLField(max_length=300)
    username = models.CharField(max_length=200)
    password = SealedField()
    ca_pem = models.TextField(blank=True)
    ssh_user = models.CharField(max_length=64, default="root")
    ssh_private_key = SealedField(blank=True)  # OpenSSH PEM, ed25519, one per estate
    ssh_public_key = models.TextField(blank=True)  # what goes into authorized_keys
    # the engine VM itself, where engine-backup runs
    vm_address = models.CharField(max_length=255, blank=True)  # "": the host in the URL
    vm_port = models.PositiveIntegerField(default=22)
    vm_user = models.CharField(max_length=64, blank=True)  # "": ssh_user
    # The pin, one OpenSSH public key line that a person has compared: no engine keeps its own VM's host key.
    vm_host_key = models.TextField(blank=True)
    watched = models.BooleanField(default=True)
    # seen
    instance_id = models.CharField(max_length=64, blank=True)
    product = models.CharField(max_length=120, blank=True)
    version = models.CharField(max_length=64, blank=True)
    last_event_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Seen(models.Model):
    """What every synced object has. gone_since: the engine no longer lists it; the row stays, for its history."""

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="%(class)ss")
    uuid = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    gone_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["engine", "uuid"], name="%(app_label)s_%(class)s_uuid"),
        ]

    def __str__(self) -> str:
        return self.name


class Cluster(Seen):
    """A cluster of the engine."""

    cpu_type = models.CharField(max_length=120, blank=True)
    overcommit = models.PositiveIntegerField(null=True, blank=True)  # per cent of its memory that it may promise
    broken_affinity = models.JSONField(default=list, blank=True)  # names of affinity groups with broken=true


class Host(Seen):
    """A KVM host. Columns from `status` on are the engine's words; null means that the engine did not say."""

    cluster = models.ForeignKey(Cluster, null=True, blank=True, on_delete=models.SET_NULL, related_name="hosts")
    address = models.CharField(max_length=255)
    # declared
    site = models.ForeignKey(
        Site, null=True, blank=True, on_delete=models.PROTECT, related_name="hosts"
    )  # null: the engine's
    watched = models.BooleanField(default=True)  # looked at over SSH
    may_read = models.BooleanField(default=False)  # one block of each LUN may be read (probe lun_read)
    he_host_id = models.PositiveSmallIntegerField(null=True, blank=True)
    ssh_user = models.CharField(max_length=64, blank=True)  # "": the engine's ssh_user
    # the pin: one OpenSSH public key line ("ssh-ed25519 AAAA..."), from the engine's record over verified TLS
    pinned_key = models.TextField(blank=True)
    pinned_at = models.DateTimeField(null=True, blank=True)
    offered_key = models.TextField(blank=True)  # a different key that was offered and refused; waits for a person
    # seen
    ssh_port = models.PositiveIntegerField(default=22)
    ssh_fingerprint = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=40, blank=True)
    status_detail = models.CharField(max_length=80, blank=True)
    spm_status = models.CharField(max_length=16, blank=True)
    he_configured = models.BooleanField(default=False)
    he_active = models.BooleanField(null=True, blank=True)
    he_score = models.IntegerField(null=True, blank=True)
    he_global_maintenance = models.BooleanField(null=True, blank=True)
    he_local_maintenance = models.BooleanField(null=True, blank=True)
    memory = models.BigIntegerField(null=True, blank=True)  # bytes
    os_version = models.CharField(max_length=120, blank=True)
    vdsm_version = models.CharField(max_length=120, blank=True)
    cpu_model = models.CharField(max_length=160, blank=True)
    power_management = models.BooleanField(null=True, blank=True)
    nics = models.JSONField(default=list, blank=True)
    hugepages = models.JSONField(default=dict, blank=True)  # {"1048576": {"free": n, "total": n}}
    cpus = models.PositiveIntegerField(null=True, blank=True)  # logical


class Vm(Seen):
    """A virtual machine. host is where the engine last saw it run; null when down."""

    cluster = models.ForeignKey(Cluster, null=True, blank=True, on_delete=models.SET_NULL, related_name="vms")
    host = models.ForeignKey(Host, null=True, blank=True, on_delete=models.SET_NULL, related_name="vms")
    status = models.CharField(max_length=40, blank=True)
    status_detail = models.CharField(max_length=80, blank=True)
    is_engine = models.BooleanField(default=False)  # origin managed_hosted_engine
    fqdn = models.CharField(max_length=255, blank=True)
    vm_type = models.CharField(max_length=32, blank=True)
    memory = models.BigIntegerField(null=True, blank=True)  # bytes
    guaranteed = models.BigIntegerField(null=True, blank=True)  # bytes of it that no host takes away
    ballooning = models.BooleanField(null=True, blank=True)
    vcpus = models.PositiveIntegerField(null=True, blank=True)
    high_availability = models.BooleanField(null=True, blank=True)
    lease_domain = models.CharField(max_length=64, blank=True)  # storage domain uuid; "": no lease
    hugepages_kib = models.PositiveIntegerField(null=True, blank=True)
    io_threads = models.PositiveIntegerField(null=True, blank=True)
    multi_queues = models.BooleanField(null=True, blank=True)
    affinity = models.CharField(max_length=32, blank=True)
    pending_change = models.BooleanField(null=True, blank=True)
    pinning = models.CharField(max_length=32, blank=True)  # cpu_pinning_policy
    pins = models.JSONField(default=list, blank=True)  # [[vCPU, "0-3"], ...]
    cpu_mode = models.CharField(max_length=32, blank=True)
    numa_mode = models.CharField(max_length=32, blank=True)
    # virtual NUMA nodes: [[number, bytes, mode, [nodes of the host]], ...]; null: not asked, as without huge pages
    numa_nodes = models.JSONField(null=True, blank=True)
    queues = models.PositiveIntegerField(null=True, blank=True)  # of VirtIO-SCSI; null: no number is set
    resume_behaviour = models.CharField(max_length=32, blank=True)  # after an I/O error
    may_run = models.JSONField(default=list, blank=True)  # uuids of the hosts that it is bound to; []: to none
