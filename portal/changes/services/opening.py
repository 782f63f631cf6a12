"""The way to a change system: the connector of its kind (settings.HOLDFAST_CHANGE_CONNECT)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from portal.changes.models import ChangeSystem
from portal.kernel.change import ChangeSystem as System
from portal.kernel.secret import Secret


class Connect(Protocol):
    """What the setting names."""

    def __call__(self, kind: str, url: str, account: str, secret: Secret, ca: str, **more: Any) -> System: ...


def opened(row: ChangeSystem) -> System:
    """The change system of a row; nothing is asked yet. Raises ChangeFailed."""
    connect: Connect = import_string(settings.HOLDFAST_CHANGE_CONNECT)
    keys = {"signing_key": row.signing_key or Secret(""), "former_key": row.former_key or Secret("")}
    more = {**row.options, "name": row.name, "pin": row.pin_pem, **keys}
    return connect(row.kind, row.url, row.account, row.secret or Secret(""), row.ca_pem, **more)


def known_secrets() -> Iterator[Secret]:
    """What must not appear in a Run's lines (settings.HOLDFAST_SECRETS)."""
    for row in ChangeSystem.objects.only("secret", "signing_key", "former_key"):
        yield from (each for each in (row.secret, row.signing_key, row.former_key) if each)
