"""Secrets at rest: a text field that the database only ever sees encrypted (Fernet, keys from the settings)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from portal.kernel.secret import Secret


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured("HOLDFAST_SEAL_KEYS is empty: no secret can be stored or read.")
    try:
        return MultiFernet([Fernet(key.strip()) for key in keys])
    except ValueError:
        raise ImproperlyConfigured("HOLDFAST_SEAL_KEYS holds something that is no Fernet key.") from None


def seal(secret: Secret) -> str:
    """Encrypts with the first key."""
    return _fernet(tuple(settings.HOLDFAST_SEAL_KEYS)).encrypt(secret.reveal().encode()).decode()


def unseal(token: str) -> Secret:
    """Decrypts with any of the keys; raises ValueError with a sentence when none fits."""
    try:
        return Secret(_fernet(tuple(settings.HOLDFAST_SEAL_KEYS)).decrypt(token.encode()).decode())
    except InvalidToken:
        raise ValueError(
            "A stored secret fits none of the keys in HOLDFAST_SEAL_KEYS: add the old key, or enter the secret anew."
        ) from None


def reseal(token: str) -> str:
    """The same secret encrypted with the first key (rotation). Raises ValueError when no key fits."""
    return seal(unseal(token))


def newest(token: str) -> bool:
    """Whether the first key opens it."""
    try:
        _fernet(tuple(settings.HOLDFAST_SEAL_KEYS[:1])).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


if TYPE_CHECKING:
    TextField = models.TextField[Any, Any]
else:
    TextField = models.TextField


class SealedSecret(Secret):
    """A Secret as it came from the database: decrypted when it is revealed, not when its row is read. A row can so be
    read, listed and saved without its key, and costs nothing."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        super().__init__("")
        self.token = token

    def reveal(self) -> str:
        """The secret itself. Raises ValueError with a sentence when no key fits."""
        return unseal(self.token).reveal()

    def __bool__(self) -> bool:
        return True


class SealedField(TextField):
    """A Secret in Python, ciphertext in the database, "" for an empty one."""

    def from_db_value(self, value: str | None, expression: object, connection: object) -> Secret | None:
        if value is None:
            return None
        return SealedSecret(value) if value else Secret("")

    def to_python(self, value: Any) -> Any:
        return value if value is None or isinstance(value, Secret) else Secret(str(value))

    def get_prep_value(self, value: Any) -> Any:
        if value is None or isinstance(value, SealedSecret):
            return value and value.token
        secret = value if isinstance(value, Secret) else Secret(str(value))
        return seal(secret) if secret else ""
