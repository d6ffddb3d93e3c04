"""Where pictures and files are kept: a folder or an S3 bucket behind one small protocol.

Pictures are personal data: both backends seal every object with the key ring (AES-256-GCM) before
it is written, bound to its key, so that a copied disk shows nothing and swapped files do not open.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import io
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import unquote, urlparse

from backoffice.crypto import DecryptionFailed
from backoffice.errors import BackofficeError, NotFound
from backoffice.i18n import Text
from backoffice.settings import Settings, SettingsError

KEY_MAX = 300
# Parts may not begin with a dot: no `..`, no hidden files, and temporary names cannot collide.
KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class StorageKeyInvalid(BackofficeError):
    """A key is empty, too long or tries to leave the store: a fault of the caller."""

    code = "storage_key_invalid"
    title = Text("文件地址无效", "Invalid file key")
    detail = Text("文件地址无效，请刷新页面后重试。", "The file key is invalid; reload and retry.")


class ObjectMissing(NotFound):
    """Nothing is stored under this key."""

    code = "stored_object_missing"
    title = Text("文件不存在", "File not found")
    detail = Text(
        "文件不存在，可能已按保存期限删除。",
        "The file does not exist; it may have been deleted at the end of its retention.",
    )


class ObjectDamaged(BackofficeError):
    """The stored bytes do not open: altered, swapped, or sealed under a key we do not have."""

    code = "stored_object_damaged"
    title = Text("文件无法打开", "The file cannot be opened")
    detail = Text(
        "文件已损坏或加密密钥不匹配，请联系管理员检查存储和密钥。",
        "The file is damaged or its key is missing; ask the administrator to check the storage "
        "and the keys.",
    )


class StorageUnavailable(BackofficeError):
    """The store cannot be reached or is full; a retry can help."""

    code = "storage_unavailable"
    title = Text("文件存储暂不可用", "The file storage is unavailable")
    detail = Text(
        "文件存储暂时不可用，请稍后重试。", "The file storage is unavailable; please try again."
    )


class SignedUrlInvalid(BackofficeError):
    """The signature of a picture address is not ours."""

    code = "signed_url_invalid"
    title = Text("链接无效", "Invalid link")
    detail = Text(
        "链接无效，请返回页面重新打开图片。", "The link is invalid; open the picture again."
    )


class SignedUrlExpired(BackofficeError):
    """The picture address was ours and its time is over."""

    code = "signed_url_expired"
    title = Text("链接已过期", "The link has expired")
    detail = Text(
        "链接已过期，请返回页面重新打开图片。", "The link has expired; open the picture again."
    )


class Sealer(Protocol):
    """What the storage needs of `backoffice.crypto.Keyring`."""

    def encrypt(self, data: bytes, context: bytes = b"") -> bytes:
        """Seal `data`."""
        ...

    def decrypt(self, sealed: bytes, context: bytes = b"") -> bytes:
        """Open what `encrypt` sealed; raises DecryptionFailed."""
        ...


class Storage(Protocol):
    """A store of sealed objects by key (`photos/2027/<id>/original.jpg`).

    Every method raises StorageKeyInvalid for an unusable key and StorageUnavailable when the
    store itself fails.
    """

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Store `data`, whole or not at all, replacing what was there."""
        ...

    def get(self, key: str) -> bytes:
        """Return the bytes. Raises ObjectMissing or ObjectDamaged."""
        ...

    def open(self, key: str) -> BinaryIO:
        """Return the bytes as a readable, seekable file; errors as `get`."""
        ...

    def exists(self, key: str) -> bool:
        """Return True if something is stored under `key`."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens if it is not there."""
        ...

    def keys(self, folder: str, before: datetime) -> Iterator[str]:
        """Yield the keys under `folder/` that were written before a moment (UTC), in no order."""
        ...


@dataclass(frozen=True)
class FolderStorage:
    """Objects as sealed files (mode 600) under `root` (folders mode 700)."""

    root: Path
    keyring: Sealer

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Store `data` durably: written beside its place, flushed to disk, then renamed.

        `content_type` is told by the key's ending here; only S3 keeps it.
        """
        path = self._path(key)
        sealed = self.keyring.encrypt(data, key.encode())
        try:
            _make_folders(self.root, path.parent)
            _write_durably(path, sealed)
        except OSError as error:
            raise StorageUnavailable from error

    def get(self, key: str) -> bytes:
        """Return the bytes. Raises ObjectMissing or ObjectDamaged."""
        try:
            sealed = self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise ObjectMissing from None
        except OSError as error:
            raise StorageUnavailable from error
        return _unseal(self.keyring, sealed, key)

    def open(self, key: str) -> BinaryIO:
        """Return the bytes as a file in memory: authenticated as a whole before the first read."""
        return io.BytesIO(self.get(key))

    def exists(self, key: str) -> bool:
        """Return True if a file lies under `key`."""
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        """Remove the file; the emptied folders stay."""
        try:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                self._path(key).unlink()
        except OSError as error:
            raise StorageUnavailable from error

    def keys(self, folder: str, before: datetime) -> Iterator[str]:
        """Yield the keys of files last written before a moment; temporary files are none."""
        for parent, _, names in os.walk(self._path(folder)):
            for name in names:
                path = Path(parent, name)
                key = path.relative_to(self.root).as_posix()
                if not KEY.fullmatch(key):
                    continue
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < before.timestamp():
                        yield key

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)


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
        return _unseal(self.keyring, sealed, key)

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


def storage_for(settings: Settings, keyring: Sealer) -> Storage:
    """Return the store STORAGE_URL names: a folder, file:///folder or s3://bucket/prefix.

    Raises SettingsError for any other address.
    """
    address = settings.storage
    url = urlparse(address)
    if url.scheme == "s3":
        if not url.netloc:
            raise SettingsError("STORAGE_URL=s3://bucket/prefix needs a bucket.")
        import boto3  # a second of start-up that a folder store need not pay

        return S3Storage(boto3.client("s3"), url.netloc, url.path.strip("/"), keyring)
    if url.scheme == "file":
        return FolderStorage(Path(unquote(url.path)), keyring)
    if "://" in address:
        raise SettingsError("STORAGE_URL must be a folder, file:///folder or s3://bucket/prefix.")
    return FolderStorage(Path(address), keyring)


def check_storage(storage: Storage) -> None:
    """Write, read and delete a small object, for the readiness probe.

    Raises StorageUnavailable (or another storage error) when the store does not work.
    """
    key = f"probe/{secrets.token_hex(8)}"
    storage.put(key, b"probe")
    try:
        if storage.get(key) != b"probe":
            raise ObjectDamaged
    finally:
        storage.delete(key)


def checked_key(key: str) -> str:
    """Return `key` if it is one; raises StorageKeyInvalid."""
    if len(key) > KEY_MAX or not KEY.fullmatch(key):
        raise StorageKeyInvalid
    return key


def sign_key(settings: Settings, key: str, expires: int) -> str:
    """Return the signature (hex) of a picture address.

    key: the storage key. expires: Unix seconds from which on the address is dead.
    """
    message = f"{checked_key(key)}\n{expires}".encode()
    signing_key = settings.url_signing_key.encode()
    if not signing_key:
        raise SettingsError("URL_SIGNING_KEY is empty; see docs/settings.md.")
    return hmac.new(signing_key, message, hashlib.sha256).hexdigest()


def expiry(settings: Settings, now: float | None = None) -> int:
    """Return the Unix second at which an address signed now dies (SIGNED_URL_SECONDS)."""
    return int(time.time() if now is None else now) + settings.signed_url_seconds


def verify_signature(
    settings: Settings, key: str, expires: int, signature: str, now: float | None = None
) -> None:
    """Accept a signed address or raise SignedUrlInvalid or SignedUrlExpired.

    The signature is judged first: a forged address never learns whether its time was right.
    """
    try:
        genuine = sign_key(settings, key, expires)
    except StorageKeyInvalid:
        raise SignedUrlInvalid from None
    if not hmac.compare_digest(genuine.encode(), signature.encode(errors="replace")):
        raise SignedUrlInvalid
    if (time.time() if now is None else now) >= expires:
        raise SignedUrlExpired


def _unseal(keyring: Sealer, sealed: bytes, key: str) -> bytes:
    try:
        return keyring.decrypt(sealed, key.encode())
    except DecryptionFailed:
        raise ObjectDamaged from None


def _make_folders(root: Path, folder: Path) -> None:
    """Create `folder` and what lies between it and `root`, each for the owner only."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        if folder == root:
            break
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(mode=0o700, parents=path == root, exist_ok=True)
        _sync_folder(path.parent)


def _write_durably(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{secrets.token_hex(8)}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new or renamed entry of `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
