"""Which store STORAGE_URL names, and whether it works."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import unquote, urlparse

from backoffice.settings import Settings, SettingsError
from backoffice.storage.errors import ObjectDamaged
from backoffice.storage.folder import FolderStorage
from backoffice.storage.s3 import S3Storage
from backoffice.storage.store import Sealer, Storage


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
