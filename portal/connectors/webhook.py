"""The portal's own webhook: one JSON document by POST, signed over timestamp and body (HMAC-SHA256), with both keys
while they are changed. The same document keeps its id each time that it is tried."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from portal.connectors.change.signing import BadSignature, sign
from portal.connectors.delivery import DeliveryRefused, Place, post
from portal.kernel.secret import Secret

ID_HEADER = "X-Holdfast-Id"


def send(to: Place, keys: Sequence[Secret], name: str, document: Mapping[str, Any], at: int) -> None:
    """Gives one document to the other side. name: of this message, for whoever gets it twice; at: Unix seconds of now.
    Raises DeliveryFailed, DeliveryRefused."""
    body = json.dumps(document, ensure_ascii=False, sort_keys=True, allow_nan=False).encode()
    try:
        signed = sign(keys, at, body)
    except BadSignature:
        raise DeliveryRefused(f"{to.name} has no signing key of 16 characters or more, so nothing is sent.") from None
    post(to, body, {"Content-Type": "application/json; charset=utf-8", ID_HEADER: name, **signed})
