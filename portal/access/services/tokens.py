"""API tokens: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from portal.access.models import Token
from portal.access.roles import words
from portal.access.services.people import acts_of
from portal.evidence import services as evidence
from portal.kernel.secret import Secret

MARK = "hf"  # tokens look like hf_<prefix>_<secret>, so that scanners of leaked secrets can find them
COARSE = timedelta(minutes=5)
LONGEST_DAYS = 366


class TokenRefused(Exception):
    """The token opens nothing; the message says why, and what to do. known: it was a real token once."""

    def __init__(self, sentence: str, *, known: Token | None = None) -> None:
        super().__init__(sentence)
        self.known = known


@transaction.atomic
def create_token(owner: User, name: str, scopes: Iterable[str], days: int, by: str) -> tuple[Token, Secret]:
    """A new token and its text, which cannot be read again. Raises ValueError with a sentence."""
    wanted = sorted(set(scopes))
    for act in wanted:
        words(act)
    beyond = sorted(set(wanted) - acts_of(owner))
    if not wanted or beyond:
        raise ValueError(f"{owner.username} may not {words(beyond[0])}." if beyond else "A token needs a scope.")
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueError(f"A token lives 1 to {LONGEST_DAYS} days.")
    if Token.objects.filter(owner=owner, name=name).exists():
        raise ValueError(f"{owner.username} has a token named {name} already.")
    prefix, text = secrets.token_hex(6), secrets.token_urlsafe(32)
    now = timezone.now()
    token = Token.objects.create(
        owner=owner,
        name=name,
        prefix=prefix,
        sha256=_hash(f"{MARK}_{prefix}_{text}"),
        scopes=wanted,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    body = {"name": name, "prefix": prefix, "scopes": wanted, "expires_at": token.expires_at}
    evidence.append("token.created", by, f"person:{owner.username}", body)
    return token, Secret(f"{MARK}_{prefix}_{text}")


@transaction.atomic
def revoke_token(token: Token, by: str) -> bool:
    """Ends a token now. False when it was revoked before."""
    if not Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        return False
    body = {"name": token.name, "prefix": token.prefix}
    evidence.append("token.revoked", by, f"person:{token.owner.username}", body)
    return True


def admit(text: str) -> Token:
    """The token, when it is good. Raises TokenRefused."""
    parts = text.split("_", 2)
    prefix = parts[1] if len(parts) == 3 and parts[0] == MARK else ""
    token = Token.objects.select_related("owner").filter(prefix=prefix).first() if prefix.isalnum() else None
    if not hmac.compare_digest(token.sha256 if token else _hash(""), _hash(text)) or token is None:
        raise TokenRefused("This token is not known. An administrator makes a new one.")
    now = timezone.now()
    if token.revoked_at:
        raise TokenRefused(f"The token {token.name} is revoked since {token.revoked_at:%d %B %Y}.", known=token)
    if token.expires_at <= now:
        raise TokenRefused(f"The token {token.name} expired on {token.expires_at:%d %B %Y}.", known=token)
    if not token.owner.is_active:
        raise TokenRefused(f"The owner of the token {token.name} is no longer active.", known=token)
    if token.last_used_at is None or token.last_used_at < now - COARSE:
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
