"""A client of one S3-compatible server, and its failures as sentences.

botocore alone, without boto3: one bounded request at a time is all that is needed. Nothing is read from this account's
own AWS files or variables, since a portal that copies to the wrong account has lost its copies."""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
    SSLError,
)

from portal.connectors.stores.store import StoreFailed
from portal.kernel.secret import Secret

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

for _talker in ("botocore", "urllib3"):  # at DEBUG they print headers and signatures
    logging.getLogger(_talker).setLevel(logging.WARNING)

LOST = (ConnectionError, HTTPClientError, IncompleteReadError, ResponseStreamingError)
_UNKNOWN_KEY = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "InvalidSecurity"}
_DENIED = {"AccessDenied", "403", "Forbidden", "AllAccessDisabled", "AccountProblem"}
_FULL = {"QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage", "507"}
_BUSY = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "XMinioServerNotInitialized"}


@dataclass(frozen=True)
class Bucket:
    """endpoint: https://host:port of the server; ca_file: PEM of the CA that signed its certificate, "" for the public
    ones; path_style: https://host/bucket/key, as most servers on a bank's own premises want it; prefix: what every
    key begins with, "" or "holdfast/"."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: Secret
    region: str = "us-east-1"
    prefix: str = ""
    ca_file: str = ""
    path_style: bool = True


@dataclass(frozen=True)
class Patience:
    """Seconds for a connection and between two bytes; tries for each request."""

    connect: float = 10.0
    read: float = 60.0
    attempts: int = 4


PATIENCE = Patience()
_making = threading.Lock()  # a session is not made for threads


def client(place: Bucket, patience: Patience) -> S3Client:
    """A client of the bucket's server. Raises ValueError or OSError for an endpoint or CA file that cannot be used."""
    with _making:
        return _made(place, patience)


@cache
def _session() -> botocore.session.Session:
    """The library's models, read once; whose account it is comes with each client."""
    nothing = (None, None, os.devnull, None)
    return botocore.session.Session(
        session_vars={"profile": (None, None, None, None), "config_file": nothing, "credentials_file": nothing}
    )


def _made(place: Bucket, patience: Patience) -> S3Client:
    made = _session().create_client(
        "s3",
        region_name=place.region,
        endpoint_url=place.endpoint,
        aws_access_key_id=place.access_key,
        aws_secret_access_key=place.secret_key.reveal(),
        verify=place.ca_file or True,
        config=Config(
            signature_version="s3v4",
            connect_timeout=patience.connect,
            read_timeout=patience.read,
            retries={"total_max_attempts": patience.attempts, "mode": "standard"},
            # many servers do not know the check sums that botocore adds of its own; MD5 and SHA-256 are sent instead
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if place.path_style else "virtual", "payload_signing_enabled": True},
        ),
    )
    return cast("S3Client", made)


def code_of(error: ClientError) -> str:
    """S3's word for what went wrong; of a HEAD, which has no body, the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def sentence(store: str, place: Bucket, error: Exception) -> StoreFailed:
    """What a person is told of any failure."""
    if isinstance(error, ClientError):
        return _refused(store, place, error)
    told = " ".join(str(error).split())[:200].rstrip(".")
    if isinstance(error, SSLError):
        return StoreFailed(
            f"{store} shows a certificate that does not verify ({told}), so nothing is sent there. "
            "Give the file of the CA that signed it, or have it renewed.",
            retry=False,
        )
    if isinstance(error, LOST):
        return StoreFailed(
            f"{store} does not answer at {place.endpoint}, or the connection was lost ({told}). What arrived stays "
            "there; the next try goes on with it. Check that the server and its network are up.",
            retry=True,
        )
    return StoreFailed(f"{store} cannot be used as it is set up ({told}). Correct its endpoint or CA file.", False)


def _refused(store: str, place: Bucket, error: ClientError) -> StoreFailed:
    code = code_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    told = " ".join(str(error.response.get("Error", {}).get("Message", "")).split())[:160].rstrip(".")
    if code == "NoSuchBucket":
        return StoreFailed(f"{store} has no bucket {place.bucket}. Create it or correct its name.", retry=False)
    if code in _UNKNOWN_KEY:
        return StoreFailed(f"{store} does not take the portal's access key ({code}). Give it a valid one.", False)
    if code == "RequestTimeTooSkewed":
        return StoreFailed(f"{store} has another time than the portal ({told}). Set both clocks by NTP.", retry=True)
    if code in _FULL or status == 507:
        return StoreFailed(f"{store} is full ({code}). Make room there or let fewer copies be kept.", retry=False)
    if code in _DENIED:
        return StoreFailed(
            f"The portal's access key may not do {error.operation_name} in the bucket {place.bucket} at {store} "
            f"({told or code}). Give it that right; a lock on the object refuses in the same way.",
            retry=False,
        )
    if code in _BUSY or status >= 500:
        return StoreFailed(f"{store} cannot serve now ({code or status}). It is tried again later.", retry=True)
    return StoreFailed(f"{store} refuses {error.operation_name} ({code}: {told}). See the server's log.", retry=False)


FAILURES = (BotoCoreError, ClientError, OSError)
