"""One file into one object, in parts. What an interrupted upload left at the far end is gone on with."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from portal.connectors.stores.s3_client import code_of
from portal.connectors.stores.store import CHUNK, Outgoing, Progress

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

MIB = 1024 * 1024
MOST_PARTS = 9_000  # S3 takes 10,000


class _Foreign(Exception):
    """An unfinished upload that holds other bytes than ours, or is gone."""


class _Part(io.RawIOBase):
    """A stretch of a file as a file of its own, so that no part is ever held in memory."""

    def __init__(self, number: int, start: int, length: int) -> None:
        super().__init__()
        self._number, self._start, self._length, self._at = number, start, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As a file's: a request that is repeated begins again."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def __len__(self) -> int:
        return self._length

    def readinto(self, target: WriteableBuffer) -> int:
        """As a file's."""
        room = memoryview(target).cast("B")[: self._length - self._at]
        count = os.preadv(self._number, [room], self._start + self._at) if len(room) else 0
        self._at += count
        return count


class Upload:
    """A multipart upload. Every part carries its MD5, and its SHA-256 in the signature, so the far end refuses what
    the way changed; the MD5 is also how a part that is there already is known again."""

    def __init__(self, client: S3Client, bucket: str, key: str, part_size: int) -> None:
        """part_size: bytes, 5 MiB at least; grown where a file would have too many parts."""
        self._client, self._bucket, self._key, self._part_size = client, bucket, key, part_size

    def run(self, outgoing: Outgoing, options: Mapping[str, Any], progress: Progress) -> None:
        """Sends what is not there yet and makes the object. options: for a new upload (metadata, lock)."""
        found = self._unfinished()
        try:
            if found is not None:
                self._send(found, outgoing, self._parts(found), progress)
                return
        except _Foreign:
            outgoing.rewind()
            self.drop()
        made = self._client.create_multipart_upload(Bucket=self._bucket, Key=self._key, **options)
        self._send(made["UploadId"], outgoing, {}, progress)

    def drop(self) -> None:
        """Removes what unfinished uploads of this object left."""
        for upload in self._uploads():
            self._abort(upload)

    def _unfinished(self) -> str | None:
        """The newest unfinished upload; the others are dropped."""
        found = self._uploads()
        for each in found[:-1]:
            self._abort(each)
        return found[-1] if found else None

    def _uploads(self) -> list[str]:
        """Unfinished uploads of exactly this object, the oldest first."""
        found: list[tuple[Any, str]] = []
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._key)
        for page in pages:
            found += [(it["Initiated"], it["UploadId"]) for it in page.get("Uploads", []) if it["Key"] == self._key]
        return [upload for _, upload in sorted(found)]

    def _abort(self, upload: str) -> None:
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=upload)
        except ClientError as error:
            if code_of(error) != "NoSuchUpload":
                raise

    def _parts(self, upload: str) -> dict[int, tuple[int, str]]:
        """Size and ETag of the parts that are there."""
        found: dict[int, tuple[int, str]] = {}
        pages = self._client.get_paginator("list_parts").paginate(Bucket=self._bucket, Key=self._key, UploadId=upload)
        try:
            for page in pages:
                found |= {it["PartNumber"]: (it["Size"], it["ETag"]) for it in page.get("Parts", [])}
        except ClientError as error:
            if code_of(error) == "NoSuchUpload":
                raise _Foreign from None
            raise
        return found

    def _send(self, upload: str, outgoing: Outgoing, there: dict[int, tuple[int, str]], progress: Progress) -> None:
        size = max(self._part_size, -(-outgoing.size // MOST_PARTS // MIB) * MIB)
        parts: list[CompletedPartTypeDef] = []
        for number, start in enumerate(range(0, outgoing.size, size), 1):
            length = min(size, outgoing.size - start)
            md5 = _md5(outgoing, length)
            if number in there:
                if there[number] != (length, f'"{md5.hex()}"'):
                    raise _Foreign
                tag = there[number][1]
            else:
                tag = self._one(upload, number, _Part(outgoing.file.fileno(), start, length), md5)
            parts.append({"PartNumber": number, "ETag": tag})
            progress(start + length)
        outgoing.check()
        self._client.complete_multipart_upload(
            Bucket=self._bucket, Key=self._key, UploadId=upload, MultipartUpload={"Parts": parts}
        )

    def _one(self, upload: str, number: int, part: _Part, md5: bytes) -> str:
        try:
            sent = self._client.upload_part(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=upload,
                PartNumber=number,
                Body=cast(IO[bytes], part),
                ContentLength=len(part),
                ContentMD5=base64.b64encode(md5).decode(),
            )
        except ClientError as error:
            if code_of(error) == "NoSuchUpload":
                raise _Foreign from None
            raise
        return sent["ETag"]


def _md5(outgoing: Outgoing, length: int) -> bytes:
    """MD5 of the next bytes, which S3 asks for; it guards against accidents only."""
    digest = hashlib.md5(usedforsecurity=False)
    while length > 0 and (piece := outgoing.read(min(length, CHUNK))):
        digest.update(piece)
        length -= len(piece)
    return digest.digest()
