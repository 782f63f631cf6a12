"""What a person does about a host's key: accept the offered one, dismiss it, or pin one by hand. Each is done to
exactly the key that was shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from django.db import transaction
from django.utils import timezone

from inventory.models import Host
from inventory.services.look_now import due_at_once
from inventory.services.signal import announce
from inventory.services.sync_keys import accept_host_key, key_line
from portal.connectors.ssh import fingerprint
from portal.connectors.ssh_address import KEY_TYPES
from portal.evidence.models import Record
from portal.evidence.services import append

KINDS = {"ssh-ed25519": "ED25519", "ssh-rsa": "RSA"}
FILES = {"ED25519": "ed25519", "ECDSA": "ecdsa", "RSA": "rsa"}
LONGEST = 4000  # characters of a key line; an RSA key of 16384 bits has 2750


class KeyRefusal(ValueError):
    """The key is not taken; the sentence says why and what to do."""


class AnotherKey(KeyRefusal):
    """The key that waits is no longer the one that was shown."""


@dataclass(frozen=True)
class KeyShown:
    """A key as `ssh-keygen -l` prints it: kind ED25519, ECDSA or RSA; fingerprint SHA256:..."""

    kind: str
    fingerprint: str

    @property
    def file(self) -> str:
        """Where the host keeps its public half."""
        return f"/etc/ssh/ssh_host_{FILES.get(self.kind, 'ed25519')}_key.pub"


@dataclass(frozen=True)
class KeyState:
    """What is known of a host's key. recorded: the engine's own fingerprint, "" for none; agrees None: it cannot be
    compared; refused_at: when the offered key was first refused, None when that is not on record."""

    pinned: KeyShown | None
    offered: KeyShown | None
    recorded: str
    agrees: bool | None
    refused_at: datetime | None


def shown(line: str) -> KeyShown | None:
    """A public key line for people; None for no key."""
    mark = fingerprint(line)
    if not mark:
        return None
    kind = line.split(maxsplit=1)[0]
    return KeyShown(KINDS.get(kind, "ECDSA" if kind.startswith("ecdsa-") else kind), mark)


def key_state(host: Host) -> KeyState:
    """One query at most, and only where a key waits."""
    offered = shown(host.offered_key)
    comparable = offered is not None and host.ssh_fingerprint.startswith("SHA256:")
    agrees = host.ssh_fingerprint == offered.fingerprint if comparable and offered else None
    return KeyState(shown(host.pinned_key), offered, host.ssh_fingerprint, agrees, _refused_at(host))


def _refused_at(host: Host) -> datetime | None:
    if not host.offered_key:
        return None
    refused = Record.objects.filter(
        kind="hostkey.refused", subject=f"host:{host.name}", body__offered=host.offered_key
    ).order_by("-number")
    return refused.values_list("at", flat=True).first()


def accept(host: Host, by: str, mark: str) -> KeyShown:
    """Takes the offered key whose fingerprint was shown as the pin, and looks at the host at once. Raises AnotherKey,
    or KeyRefusal when none waits."""
    with transaction.atomic():
        held = _held(host, mark)
        accept_host_key(held, by)
        due_at_once(held)
    taken = shown(held.pinned_key)
    return taken or KeyShown("", mark)


def dismiss(host: Host, by: str, mark: str) -> None:
    """Keeps the pin and forgets the offered key; while the host goes on to show it, the next look brings it back.
    Raises as accept does."""
    with transaction.atomic():
        held = _held(host, mark)
        offered, held.offered_key = held.offered_key, ""
        held.save(update_fields=["offered_key"])
        announce("estate")
        append("hostkey.dismissed", by, f"host:{held.name}", {"offered": offered, "pinned": held.pinned_key})


def _held(host: Host, mark: str) -> Host:
    """The locked row, while the key that was shown is the one that waits."""
    held = Host.objects.select_for_update().get(pk=host.pk)
    if not held.offered_key:
        raise KeyRefusal(f"No other host key of {held.name} is waiting. Nothing was changed.")
    if fingerprint(held.offered_key) != mark:
        raise AnotherKey(f"{held.name} offers another key by now. Nothing was changed: compare again.")
    return held


def pin(host: Host, by: str, line: str) -> KeyShown:
    """Pins a key by hand on a host that has none. line: an OpenSSH public key, "type base64", a comment is dropped.
    Raises KeyRefusal."""
    key = read_key(line)
    with transaction.atomic():
        held = Host.objects.select_for_update().get(pk=host.pk)
        if held.pinned_key:
            raise KeyRefusal(f"{held.name} has a pinned key already. Another one is accepted when the host offers it.")
        held.pinned_key, held.pinned_at = key, timezone.now()
        offered = held.offered_key
        held.offered_key = "" if offered == key else offered
        held.save(update_fields=["pinned_key", "pinned_at", "offered_key"])
        due_at_once(held)
        announce("estate")
        body = {"pinned": key, "fingerprint": fingerprint(key), "from": "person"}
        append("hostkey.pinned", by, f"host:{held.name}", body)
    taken = shown(key)
    return taken or KeyShown("", fingerprint(key))


def read_key(text: str) -> str:
    """ "type base64" of what a person pasted. Raises KeyRefusal, which says what is wrong with it."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != 1 or len(text) > LONGEST:
        raise KeyRefusal("Paste one line: the content of one public key file of the host.")
    words = lines[0].split()
    if "PRIVATE KEY" in text:
        raise KeyRefusal("This is a private key. Paste the content of the file that ends in .pub.")
    if words[0] not in KEY_TYPES:
        known = ", ".join(KEY_TYPES)
        raise KeyRefusal(f"The line begins with {words[0][:40]}, which is no key type that is used here: {known}.")
    key = key_line(lines[0])
    try:
        load_ssh_public_key(key.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefusal(f"The text after {words[0]} is no such key: copy the whole line again.") from None
    return key
