"""Objects as sealed bytes in an S3-compatible bucket."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from backoffice.storage.errors import ObjectMissing, StorageUnavailable
from backoffice.storage.store import Sealer, checked_key, unseal


@dataclass(frozen=True)
class S3Storage:
    """Objects as sealed bytes in an S3-compatible bucket, under `prefix`.

    client: a boto3 S3 client; endpoint, region and log-in come from boto3's own configuration.
    """

    client: Any
    bucket: str
    prefix: str
    keyring: Sealer

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Store `data`; the type of the plain bytes goes into the metadata."""
        name = self._name(key)
        body = self.keyring.encrypt(data, key.encode())
        with _s3_errors():
            self.client.put_object(
                Bucket=self.bucket,
                Key=name,
                Body=body,
                ContentType="application/octet-stream",
                Metadata={"plain-type": content_type},
            )

    def get(self, key: str) -> bytes:
        """Return the bytes. Raises ObjectMissing or ObjectDamaged."""
        name = self._name(key)
        with _s3_errors():
            sealed = self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read()
        return unseal(self.keyring, sealed, key)

    def open(self, key: str) -> BinaryIO:
        """Return the bytes as a file in memory."""
        return io.BytesIO(self.get(key))

    def exists(self, key: str) -> bool:
        """Return True if the bucket has the object."""
        name = self._name(key)
        try:
            with _s3_errors():
                self.client.head_object(Bucket=self.bucket, Key=name)
        except ObjectMissing:
            return False
        return True

    def delete(self, key: str) -> None:
        """Remove the object; S3 answers the same when it is not there."""
        name = self._name(key)
        with _s3_errors():
            self.client.delete_object(Bucket=self.bucket, Key=name)

    def keys(self, folder: str, before: datetime) -> Iterator[str]:
        """Yield the keys of objects last written before a moment, a page of the bucket at a time."""
        start = len(self._name("x")) - 1
        pages = self.client.get_paginator("list_objects_v2")
        with _s3_errors():
            for page in pages.paginate(Bucket=self.bucket, Prefix=self._name(folder) + "/"):
                for found in page.get("Contents", ()):
                    if found["LastModified"] < before:
                        yield found["Key"][start:]

    def _name(self, key: str) -> str:
        key = checked_key(key)
        return f"{self.prefix}/{key}" if self.prefix else key


@contextlib.contextmanager
def _s3_errors() -> Iterator[None]:
    """Turn botocore's errors into ours; the class is loaded with boto3 only."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404", "NotFound"):
            raise ObjectMissing from None
        raise StorageUnavailable from error
    except BotoCoreError as error:
        raise StorageUnavailable from error
