"""The protocol of a store, the keys of its objects, and their sealing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, Protocol

from backoffice.crypto import DecryptionFailed
from backoffice.storage.errors import ObjectDamaged, StorageKeyInvalid

KEY_MAX = 300
# Parts may not begin with a dot: no `..`, no hidden files, and temporary names cannot collide.
KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


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


def checked_key(key: str) -> str:
    """Return `key` if it is one; raises StorageKeyInvalid."""
    if len(key) > KEY_MAX or not KEY.fullmatch(key):
        raise StorageKeyInvalid
    return key


def unseal(keyring: Sealer, sealed: bytes, key: str) -> bytes:
    """Open what was stored under `key`. Raises ObjectDamaged."""
    try:
        return keyring.decrypt(sealed, key.encode())
    except DecryptionFailed:
        raise ObjectDamaged from None
