"""What people decide: where copies go, who can open them, and when and how an engine is backed up."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from inventory.models import Engine, Site
from portal.access.sealed import SealedField

HOUR = 3600
DAY = 24 * HOUR


class Recipient(models.Model):
    """Somebody for whom every copy is encrypted (age). A custodian's private half is kept outside the portal, where
    `custody` says. The portal's own recipient has its private half here, so that it can verify and rehearse alone;
    a bank that does not want that retires it (docs/adr/0012)."""

    name = models.CharField(max_length=80, unique=True)
    public_key = models.CharField(max_length=200, unique=True)
    private_key = SealedField(blank=True)  # of the portal's own recipient only
    custody = models.CharField(max_length=200, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Destination(models.Model):
    """A place that holds encrypted copies. The vault is the portal's own folder; the others are pushed to from it.

    What the columns mean depends on the kind: directory: `path`. sftp: host, port, user, secret (private key), host_key
    (pinned), path. s3: host (endpoint URL), bucket, path (prefix), user (access key), secret, region, ca_pem, lock."""

    class Kind(models.TextChoices):
        VAULT = "vault", "The portal's vault"
        DIRECTORY = "directory", "A folder or NFS mount"
        SFTP = "sftp", "SFTP"
        S3 = "s3", "S3 with object lock"

    name = models.CharField(max_length=40, unique=True)  # as the catalog shows it: PROD, DR
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="destinations")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    enabled = models.BooleanField(default=True)
    late_after = models.PositiveIntegerField(default=24 * HOUR)  # seconds that the newest copy may be old
    path = models.CharField(max_length=500, blank=True)
    host = models.CharField(max_length=300, blank=True)
    port = models.PositiveIntegerField(default=22)
    user = models.CharField(max_length=200, blank=True)
    secret = SealedField(blank=True)
    host_key = models.TextField(blank=True)
    bucket = models.CharField(max_length=100, blank=True)
    region = models.CharField(max_length=60, blank=True)
    ca_pem = models.TextField(blank=True)
    lock_mode = models.CharField(max_length=12, blank=True)  # "", GOVERNANCE or COMPLIANCE
    lock_days = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Policy(models.Model):
    """How one engine is backed up. Times in seconds, sizes in bytes."""

    class Retention(models.TextChoices):
        REDUNDANCY = "redundancy", "REDUNDANCY n"
        WINDOW = "window", "RECOVERY WINDOW OF n DAYS"
        GENERATIONS = "generations", "Grandfather, father, son"

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="policies")
    name = models.CharField(max_length=80, unique=True)
    enabled = models.BooleanField(default=True)
    # when
    cron = models.CharField(max_length=120, default="0 */6 * * *")
    zone = models.CharField(max_length=60, default="UTC")
    # [{"days": [0..6], "begins": "22:00", "ends": "04:00"} | {"begins": ISO 8601, "ends": ISO 8601}]
    blackouts = models.JSONField(default=list, blank=True)
    catch_up = models.PositiveIntegerField(default=3 * HOUR)
    # what and where on the engine VM
    scope = models.JSONField(default=list, blank=True)  # words of --scope; [] is all
    directory = models.CharField(max_length=300, default="/var/lib/ovirt-engine-backup")
    tmp_directory = models.CharField(max_length=300, blank=True)  # "": engine-backup's own choice
    timeout = models.PositiveIntegerField(default=2 * HOUR)
    engine_keep = models.PositiveSmallIntegerField(default=2)  # archives that stay on the engine VM, unencrypted
    destinations = models.ManyToManyField(Destination, blank=True, related_name="policies")
    # how long
    retention = models.CharField(max_length=12, choices=Retention.choices, default=Retention.WINDOW)
    count = models.PositiveIntegerField(default=14)  # n of REDUNDANCY n and RECOVERY WINDOW OF n DAYS
    days = models.PositiveIntegerField(default=7)
    weeks = models.PositiveIntegerField(default=4)
    months = models.PositiveIntegerField(default=12)
    years = models.PositiveIntegerField(default=0)
    minimum_redundancy = models.PositiveIntegerField(default=3)
    delete_obsolete = models.BooleanField(default=True)  # False: only a person starts a deletion
    # how it is proven, and what is late
    rehearse_every = models.PositiveIntegerField(default=DAY)  # 0: every backup
    rpo = models.PositiveIntegerField(default=24 * HOUR)
    max_age = models.PositiveIntegerField(default=26 * HOUR)
    min_size = models.PositiveBigIntegerField(default=1024 * 1024)
    # the heartbeat to a watcher outside (healthchecks style), so that a dead portal is noticed, too
    heartbeat_url = SealedField(blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    heartbeat_sentence = models.TextField(blank=True)
    # planned starts up to here have been dealt with: run, or named as missed
    decided_to = models.DateTimeField()
    created_by = models.CharField(max_length=150, blank=True)

    class Meta:
        verbose_name_plural: ClassVar = "policies"

    def __str__(self) -> str:
        return self.name
