"""One Idempotency-Key means one thing: it is kept with the hash of what it was sent with. What came of it, the act
itself finds again, so a repeat gives the same resource; with another body it is refused."""

from __future__ import annotations

import hashlib
import json

from django.db import IntegrityError, transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from portal.access.models import Idempotency
from portal.access.problems import KeyReused, Unprocessable

HEADER = "Idempotency-Key"
LONGEST = 200  # characters
KEY = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, description="Same key and body: the same resource. Other body: 422."
)


def key_of(request: Request) -> str:
    """The request's key, "" when it has none. To be called once the body was found valid. Raises Unprocessable,
    KeyReused."""
    key = str(request.headers.get(HEADER, ""))
    if not key:
        return ""
    if len(key) > LONGEST or not key.isprintable():
        raise Unprocessable(f"The {HEADER} has {len(key)} characters; at most {LONGEST} printable ones are taken.")
    sha256 = _hash(request)
    row, _ = _kept(request, key, sha256)
    if row.sha256 != sha256:
        raise KeyReused(f"The {HEADER} {key!r} was sent with something else before: use a new key.")
    return key


def _kept(request: Request, key: str, sha256: str) -> tuple[Idempotency, bool]:
    assert request.user.pk is not None, "who is not known comes to no act"
    rows = Idempotency.objects.filter(person=request.user.pk, key=key)
    try:
        with transaction.atomic():
            found = rows.first()
            if found is not None:
                return found, False
            made = Idempotency.objects.create(person_id=request.user.pk, key=key, sha256=sha256, at=timezone.now())
            return made, True
    except IntegrityError:  # two at one moment
        return rows.get(), False


def _hash(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    words = "\n".join((str(request.method), request.path, body))
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()
