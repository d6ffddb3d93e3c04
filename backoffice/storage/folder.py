"""Objects as sealed files in a folder, durable across a power cut."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from backoffice.storage.errors import ObjectMissing, StorageUnavailable
from backoffice.storage.store import KEY, Sealer, checked_key, unseal


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
        return unseal(self.keyring, sealed, key)

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
