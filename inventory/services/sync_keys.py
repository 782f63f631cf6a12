"""Host keys: the engine's record, a key or its fingerprint, seeds the pin, over verified TLS only; nothing but a
person changes it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from inventory.models import Host
from inventory.services.signal import announce
from inventory.services.sync_rows import Tally
from portal.connectors.engine.shapes import HostSeen
from portal.connectors.ssh import fingerprint
from portal.evidence.services import append


def key_line(raw: str) -> str:
    """ "type base64" of an OpenSSH public key line, without its comment; "" for anything that is no such key."""
    words = raw.split()
    if len(words) < 2:
        return ""
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        return ""
    kind = words[0].encode("ascii", "replace")
    # the blob begins with the length and the text of the type itself (RFC 4253, 6.6)
    return f"{words[0]} {words[1]}" if blob[:4] == len(kind).to_bytes(4, "big") and blob[4:].startswith(kind) else ""


def take_keys(engine_pk: int, seen: Iterable[HostSeen], now: datetime, tally: Tally) -> None:
    """Pins the engine's record of each host where there is no pin yet. Where the record differs from the pin it is
    kept as an offered key, recorded, and left to a person. Call it inside a transaction, last."""
    said = {row.uuid: key for row in seen if (key := key_line(row.ssh_public_key))}
    hosts = Host.objects.filter(engine_id=engine_pk, uuid__in=said)
    unpinned = list(hosts.filter(pinned_key="").select_for_update().only("pk", "uuid", "offered_key"))
    for host in unpinned:
        host.pinned_key, host.pinned_at = said[host.uuid], now
        host.offered_key = "" if host.offered_key == host.pinned_key else host.offered_key
    if unpinned:
        tally.add(Host, Host.objects.bulk_update(unpinned, ["pinned_key", "pinned_at", "offered_key"]))
    fresh = {host.pk for host in unpinned}
    for pk, uuid, name, pinned in hosts.filter(offered_key="").values_list("pk", "uuid", "name", "pinned_key"):
        if pk not in fresh and said[uuid] != pinned:
            tally.add(Host, hosts.filter(pk=pk, offered_key="").update(offered_key=said[uuid]))
            body = {"offered": said[uuid], "pinned": pinned, "from": "engine"}
            append("hostkey.refused", "portal", f"host:{name}", body)


def take_offered(host_pk: int, offered: str) -> None:
    """Takes a key that a host showed and that is not its pin. Where there is no pin yet, and the engine's record, read
    over verified TLS, names this key's fingerprint, it becomes the pin. Any other waits for a person to compare it;
    that is recorded once per key."""
    with transaction.atomic():
        host = Host.objects.select_for_update(of=("self",)).select_related("engine").get(pk=host_pk)
        if offered in (host.pinned_key, host.offered_key):
            return
        body = {"offered": offered, "pinned": host.pinned_key}
        recorded = host.engine.url.lower().startswith("https://") and host.ssh_fingerprint
        if not host.pinned_key and recorded and fingerprint(offered) == recorded:
            host.pinned_key, host.pinned_at, host.offered_key = offered, timezone.now(), ""
            append("hostkey.pinned", "portal", f"host:{host.name}", {"pinned": offered, "fingerprint": recorded})
        else:
            host.offered_key = offered
            append("hostkey.refused", "portal", f"host:{host.name}", body)
        host.save(update_fields=["pinned_key", "pinned_at", "offered_key"])
        announce("estate")


def accept_host_key(host: Host, by: object) -> None:
    """A person compared the offered key and takes it as the pin. Raises ValueError when no key is waiting."""
    with transaction.atomic():
        row = Host.objects.select_for_update().get(pk=host.pk)
        if not row.offered_key:
            raise ValueError(f"No other host key of {row.name} is waiting to be accepted.")
        before = row.pinned_key
        row.pinned_key, row.pinned_at, row.offered_key = row.offered_key, timezone.now(), ""
        row.save(update_fields=["pinned_key", "pinned_at", "offered_key"])
        announce("estate")
        append("hostkey.accepted", str(by), f"host:{row.name}", {"pinned": row.pinned_key, "before": before})
    host.refresh_from_db(fields=["pinned_key", "pinned_at", "offered_key"])
