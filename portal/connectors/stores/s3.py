"""A bucket of an S3-compatible server, with an object lock where one is asked for."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from botocore.exceptions import ClientError

from portal.connectors.stores.s3_client import FAILURES, LOST, PATIENCE, Bucket, Patience, client, code_of, sentence
from portal.connectors.stores.s3_upload import MIB, Upload
from portal.connectors.stores.store import CHUNK, Held, Outgoing, Pieces, Progress, Space, StoreFailed, hashed, plain

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import HeadObjectOutputTypeDef

__all__ = ["Bucket", "Lock", "Patience", "S3Store"]

TRIES = 5  # connections in a row that may bring no byte while an object is read


@dataclass(frozen=True)
class Lock:
    """An object lock. COMPLIANCE: nobody can remove the object before; GOVERNANCE: those with a special right can."""

    mode: Literal["COMPLIANCE", "GOVERNANCE"]
    days: int


def _now() -> datetime:
    return datetime.now(UTC)


class S3Store:
    """Copies as objects of one bucket."""

    def __init__(
        self,
        name: str,
        place: Bucket,
        lock: Lock | None = None,
        *,
        patience: Patience = PATIENCE,
        part_size: int = 8 * MIB,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """part_size: bytes sent by one request, 5 MiB at least."""
        self._name, self._place, self._lock = name, place, lock
        self._patience, self._part_size, self._clock = patience, part_size, clock

    @property
    def name(self) -> str:
        """What it is called in sentences."""
        return self._name

    def put(self, local: Path, name: str, sha256: str, progress: Progress) -> Held:
        """See Store. With a lock asked for, the bucket is checked before and the object's own lock after."""
        key = self._key(name)
        with Outgoing(local, sha256) as outgoing, self._speaking():
            self._lockable()
            found = self._head(key)
            if found is None:
                options: dict[str, Any] = {"Metadata": {"sha256": sha256}}
                if self._lock:
                    options |= {"ObjectLockMode": self._lock.mode, "ObjectLockRetainUntilDate": self._until()}
                Upload(self._client, self._place.bucket, key, self._part_size).run(outgoing, options, progress)
            elif self.rehash(name, progress) != sha256:
                raise StoreFailed(
                    f"{self._name} holds another file named {name} already ({found['ContentLength']} bytes), which is "
                    "not overwritten. Find out what it is and move it away.",
                    retry=False,
                )
            return self._settled(key, name, outgoing.size)

    def held(self, name: str) -> Held | None:
        """See Store. The hash that was sent along stays at the object for people; it proves nothing, so it is not
        given."""
        key = self._key(name)
        with self._speaking():
            found = self._head(key)
        return None if found is None else Held(found["ContentLength"], locked_until=_until(found))

    def rehash(self, name: str, progress: Progress) -> str:
        """See Store."""
        with closing(self._pieces(name)) as pieces:
            return hashed(pieces, progress)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """See Store. A connection that is lost while reading is made anew."""
        with closing(self._pieces(name)) as pieces:
            yield io.BufferedReader(Pieces(pieces), CHUNK)

    def remove(self, name: str) -> None:
        """See Store: every version of the object, so that the room is really free. What is locked stays."""
        key = self._key(name)
        with self._speaking():
            self._removable(key, name)
            for version in self._versions(key):
                self._client.delete_object(Bucket=self._place.bucket, Key=key, VersionId=version)
            Upload(self._client, self._place.bucket, key, self._part_size).drop()

    def space(self) -> Space | None:
        """S3 knows no free room."""
        return None

    @cached_property
    def _client(self) -> S3Client:
        try:
            return client(self._place, self._patience)
        except ValueError as error:
            raise sentence(self._name, self._place, error) from None

    def _key(self, name: str) -> str:
        return self._place.prefix + plain(self._name, name)

    def _until(self) -> datetime:
        assert self._lock
        return (self._clock() + timedelta(days=self._lock.days)).replace(microsecond=0)

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except StoreFailed:
            raise
        except FAILURES as error:
            raise sentence(self._name, self._place, error) from None

    def _head(self, key: str) -> HeadObjectOutputTypeDef | None:
        try:
            return self._client.head_object(Bucket=self._place.bucket, Key=key)
        except ClientError as error:
            if code_of(error) not in ("404", "NoSuchKey", "NotFound"):
                raise
        self._client.list_objects_v2(Bucket=self._place.bucket, Prefix=key, MaxKeys=1)  # says whether a bucket is there
        return None

    def _lockable(self) -> None:
        """Raises StoreFailed when a lock is asked for that the bucket cannot give."""
        if self._lock is None:
            return
        try:
            told = self._client.get_object_lock_configuration(Bucket=self._place.bucket)
            enabled = told.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled"
        except ClientError as error:
            if code_of(error) not in ("ObjectLockConfigurationNotFoundError", "NotImplemented", "MethodNotAllowed"):
                raise
            enabled = False
        if not enabled:
            raise StoreFailed(
                f"The bucket {self._place.bucket} at {self._name} has no object lock, so a copy there could be removed "
                "by anybody with its key. Make a bucket with object lock, or ask for none.",
                retry=False,
            )

    def _settled(self, key: str, name: str, size: int) -> Held:
        """The object as it is there now. A lock that did not come with it, or ends too early, is set."""
        found = self._head(key)
        if found is not None and self._lock and not self._kept(found):
            self._client.put_object_retention(
                Bucket=self._place.bucket,
                Key=key,
                Retention={"Mode": self._lock.mode, "RetainUntilDate": self._until()},
            )
            found = self._head(key)
        if found is None or found["ContentLength"] != size:
            raise StoreFailed(f"{self._name} took {name} but does not hold it whole. See the server's log.", retry=True)
        if self._lock and not self._kept(found):
            raise StoreFailed(
                f"{self._name} took {name} but locks it until {_day(_until(found))} only, not for {self._lock.days} "
                "days. See the server's log.",
                retry=False,
            )
        return Held(size, locked_until=_until(found))

    def _kept(self, found: HeadObjectOutputTypeDef) -> bool:
        """True when it is locked as asked; a day less is left to an upload that took long."""
        until = _until(found)
        return (
            self._lock is not None
            and found.get("ObjectLockMode") == self._lock.mode
            and until is not None
            and until >= self._until() - timedelta(days=1)
        )

    def _removable(self, key: str, name: str) -> None:
        found = self._head(key)
        if found is None:
            return
        until = _until(found)
        if until is not None and until > self._clock():
            raise StoreFailed(
                f"{name} at {self._name} is locked until {_day(until)} ({found.get('ObjectLockMode', '')}), so it is "
                "not removed. It can be removed after that day.",
                retry=False,
            )
        if found.get("ObjectLockLegalHoldStatus") == "ON":
            raise StoreFailed(
                f"{name} at {self._name} is under a legal hold, so it is not removed. Whoever set it can release it.",
                retry=False,
            )

    def _versions(self, key: str) -> list[str]:
        """Versions and delete markers of exactly this object."""
        found: list[str] = []
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._place.bucket, Prefix=key)
        for page in pages:
            entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            found += [each["VersionId"] for each in entries if each["Key"] == key]
        return found

    def _pieces(self, name: str) -> Generator[bytes]:
        key = self._key(name)
        with self._speaking():
            found = self._head(key)
            if found is None:
                raise StoreFailed(f"{self._name} holds no {name}. Copy it there again.", retry=False)
            at, failures = 0, 0
            while at < found["ContentLength"]:
                try:
                    for piece in self._from(key, at, found["ETag"]):
                        at, failures = at + len(piece), 0
                        yield piece
                except LOST:
                    failures += 1
                    if failures >= TRIES:
                        raise
                    threading.Event().wait(min(10.0, 0.1 * 2**failures))

    def _from(self, key: str, at: int, tag: str) -> Iterator[bytes]:
        """The object's bytes from an offset, as long as it is the same object."""
        got = self._client.get_object(Bucket=self._place.bucket, Key=key, Range=f"bytes={at}-", IfMatch=tag)
        with closing(got["Body"]) as body:
            yield from body.iter_chunks(CHUNK)


def _until(found: HeadObjectOutputTypeDef) -> datetime | None:
    return found.get("ObjectLockRetainUntilDate")


def _day(until: datetime | None) -> str:
    return f"{until:%d %b %Y %H:%M} UTC" if until else "no day"
