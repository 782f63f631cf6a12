"""For whom copies are encrypted: the portal itself, so that it can verify and rehearse alone, and the custodians."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from backups.models import Recipient
from portal.connectors.age import new_identity
from portal.evidence.services import append

OWN = "the portal itself"


def own() -> Recipient:
    """The portal's own recipient, made when there is none yet."""
    with transaction.atomic():
        found = Recipient.objects.filter(name=OWN).first()
        if found is None:
            private, public = new_identity()
            found = Recipient(name=OWN, public_key=public, custody="sealed in the portal's database")
            found.private_key = private
            try:
                with transaction.atomic():
                    found.save(force_insert=True)
                    append("backup.recipient_made", "holdfast", f"recipient:{OWN}", {"public_key": public})
            except IntegrityError:
                return Recipient.objects.get(name=OWN)  # another process was first
    return found


def active() -> list[Recipient]:
    """Whom a copy made now is encrypted for: all that are not retired, the portal's own included."""
    own()
    return list(Recipient.objects.filter(retired_at__isnull=True).order_by("pk"))


def identity() -> Recipient | None:
    """The portal's own recipient while it is in use; None: the portal cannot open copies."""
    return Recipient.objects.filter(name=OWN, retired_at__isnull=True).first()
