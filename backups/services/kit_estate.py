"""Parts of the kit that stand in the portal's own tables: storage, VMs, maintenance, archives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from django.db.models import Exists, OuterRef

from backups.kit.content import (
    Archive,
    Archives,
    DirectLun,
    Domain,
    Maintenance,
    Place,
    Recipient,
    Source,
    Vm,
)
from backups.models import Backup, Copy, Destination
from backups.models import Recipient as RecipientRow
from backups.services import recipients, vault
from inventory.models import Attachment, Engine, Host, Look, StorageDomain
from inventory.models import Vm as VmRow

CATALOG = "the portal's catalog of backups"
HELD = {Copy.State.HELD: True, Copy.State.LOST: False, Copy.State.FAILED: False}


def domains(engine: Engine, sd_uuid: str) -> tuple[Domain, ...]:
    """Storage domains. sd_uuid: the one that hosted-engine.conf names; "" when no host told, then its name counts."""
    rows = StorageDomain.objects.filter(engine=engine, gone_since=None).prefetch_related("luns").order_by("name")
    return tuple(
        Domain(
            row.name,
            row.uuid,
            row.storage_type or row.domain_type,
            tuple(sorted(lun.uuid for lun in row.luns.all() if lun.gone_since is None)),
            row.uuid == sd_uuid if sd_uuid else row.name == "hosted_storage",
        )
        for row in rows
    )


def direct_luns(engine: Engine) -> tuple[DirectLun, ...]:
    """LUNs that VMs use directly."""
    rows = Attachment.objects.filter(lun__engine=engine, lun__gone_since=None, vm__gone_since=None)
    rows = rows.exclude(lun__disk_uuid="").select_related("vm", "lun").order_by("vm__name", "lun__name", "lun__uuid")
    return tuple(DirectLun(row.vm.name, row.lun.name, row.lun.uuid, row.lun.size) for row in rows)


def vms(engine: Engine) -> tuple[Vm, ...]:
    """All VMs but the engine's own."""
    named = dict(StorageDomain.objects.filter(engine=engine).values_list("uuid", "name"))
    rows = VmRow.objects.filter(engine=engine, gone_since=None, is_engine=False).select_related("host").order_by("name")
    return tuple(
        Vm(
            row.name,
            row.uuid,
            row.high_availability,
            named.get(row.lease_domain, row.lease_domain),
            row.host.name if row.host else "",
            row.hugepages_kib or 0,
        )
        for row in rows
    )


def maintenance(engine: Engine, at: int, failed: tuple[str, ...]) -> Maintenance:
    """As the hosts themselves said last over SSH, else as the engine says. failed: why the engine does not say now."""
    rows = list(Host.objects.filter(engine=engine, gone_since=None).order_by("name"))
    place = VmRow.objects.filter(engine=engine, is_engine=True, gone_since=None).select_related("host").first()
    runs_on = place.host.name if place and place.host else ""
    told = _told(engine, rows)
    if told is not None:
        return told
    if failed:
        return Maintenance(Source(None, "the engine's API", failed))
    flags = {row.he_global_maintenance for row in rows if row.he_global_maintenance is not None}
    everywhere = None if not flags else True in flags
    local = tuple(row.name for row in rows if row.he_local_maintenance)
    return Maintenance(Source(at, "the engine's API"), everywhere, local, runs_on)


def _told(engine: Engine, rows: list[Host]) -> Maintenance | None:
    """The newest answer of `hosted-engine --vm-status`; None when no host has given one that was understood."""
    looks = Look.objects.filter(engine=engine, probe="she_status", state=Look.State.READ, host__gone_since=None)
    for look in looks.exclude(at=None).select_related("host").order_by("-at"):
        facts = look.facts if isinstance(look.facts, dict) else {}
        if not isinstance(facts.get("global_maintenance"), bool):
            continue
        records = [one for one in facts.get("hosts", []) if isinstance(one, dict) and one.get("live")]
        names = {one.get("host_id"): _name(one, rows) for one in records}
        local = tuple(sorted(names[one.get("host_id")] for one in records if one.get("maintenance")))
        serving = [names[one.get("host_id")] for one in records if one.get("vm") == "up"]
        by = f"{look.host.name if look.host else engine.name} over SSH"
        return Maintenance(Source(_unix(look.at), by), facts["global_maintenance"], local, "".join(serving[:1]))
    return None


def _name(record: Mapping[str, object], rows: list[Host]) -> str:
    """As the engine lists the host of a record."""
    for row in rows:
        if record.get("hostname") in (row.name, row.address) or record.get("host_id") == row.he_host_id:
            return row.name
    return str(record.get("hostname", ""))


def proven(engine: Engine) -> list[Backup]:
    """The newest two archives that are proven restorable and held somewhere."""
    held = Copy.objects.filter(backup=OuterRef("pk"), state=Copy.State.HELD)
    rows = Backup.objects.filter(
        Exists(held), engine=engine, status=Backup.Status.DONE, whole=True, proof=Backup.Proof.PROVEN, deleted_at=None
    )
    return list(rows.defer("output").order_by("-taken", "-pk")[:2])


def archives(engine: Engine, at: int) -> Archives:
    """The newest proven archive, the one before, and who opens them. at: now."""
    found = [_archive(row) for row in proven(engine)]
    people = tuple(_recipient(row) for row in RecipientRow.objects.defer("private_key").order_by("pk"))
    latest, previous = [*found, None, None][:2]
    return Archives(Source(at, CATALOG), latest, previous, people)


def _recipient(row: RecipientRow) -> Recipient:
    """The portal's own key may be lost with the portal, so nobody keeps it for that day."""
    own = row.name == recipients.OWN
    return Recipient(row.name, row.public_key, "" if own else row.name, row.custody)


def _archive(row: Backup) -> Archive:
    copies = list(row.copies.select_related("destination__site").exclude(state=Copy.State.DELETED).order_by("pk"))
    said = " ; ".join(word for rung in row.ladder for word in rung.get("evidence", ()))
    names = dict.fromkeys(name for copy in copies for name in copy.recipients)
    return Archive(
        name=next((copy.name.removesuffix(".age") for copy in copies), f"{row.ident}.backup"),
        taken=_unix(row.taken) or 0,
        sha256=row.sha256,
        size=row.size,
        proven_to="rehearsal",
        proven=_unix(row.proven_at),
        engine_version=_word(r"\barchive (\d\S*)", said) or row.version,
        os_version=_word(r"\bmade on (\w+)", said),
        pg_version=_word(r"\bengine: [^;]*?PostgreSQL (\d[\w.]*)", said),
        recipients=tuple(names),
        places=tuple(_place(copy) for copy in copies),
    )


def _word(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else ""


def _place(copy: Copy) -> Place:
    return Place(
        copy.destination.site.name,
        where(copy.destination),
        copy.name,
        copy.sha256,
        copy.size,
        _unix(copy.checked_at),
        HELD.get(Copy.State(copy.state)),
    )


def where(place: Destination) -> str:
    """How a person finds a destination without the portal. No secret is in it."""
    if place.kind == Destination.Kind.SFTP:
        port = f":{place.port}" if place.port != 22 else ""
        return f"sftp://{place.host}{port}/{place.path.lstrip('/')}"
    if place.kind == Destination.Kind.S3:
        return f"{place.host.rstrip('/')}/{place.bucket}/{place.path.strip('/')}".rstrip("/")
    return str(vault.folder()) if place.kind == Destination.Kind.VAULT else place.path


def _unix(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
