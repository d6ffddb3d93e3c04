"""The manifest of model files: where each comes from, its SHA-256, and where it lies here.

Model files are never in the repository; `backoffice.photos.fetch` brings them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backoffice.photos.errors import ModelHashMismatch, ModelMissing

__all__ = [
    "Entry",
    "ModelHashMismatch",
    "ModelMissing",
    "load_manifest",
    "model_path",
    "page_model",
]

MANIFEST = Path(__file__).with_name("models_manifest.json")
_verified: set[Path] = set()


@dataclass(frozen=True)
class Entry:
    """One file of the manifest. `member`: its path inside `archive`; `size` in bytes."""

    name: str
    file: str
    requirement: str
    archive: str
    archive_sha256: str
    member: str
    sha256: str
    size: int
    licence: str


@cache
def load_manifest(section: str = "models") -> dict[str, Entry]:
    """Return the entries of `section` by name.

    "models": what the pipeline computes with; "page": what the student page computes with on the
    phone, so no part of the pipeline's version or readiness; "portraits": the demo's.
    """
    raw = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return {item["name"]: Entry(**item) for item in raw[section]}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as lower-case hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def page_model(models_dir: Path, name: str) -> tuple[Path, Entry]:
    """Return the verified file of a network of the student page, and its entry.

    Raises ModelMissing or ModelHashMismatch.
    """
    entry = load_manifest("page")[name]
    return verify(Path(models_dir) / entry.file, entry), entry


def verify(path: Path, entry: Entry) -> Path:
    """Return `path` once its content is what `entry` pins; hashed once per process.

    Raises ModelMissing or ModelHashMismatch.
    """
    if not path.is_file():
        raise ModelMissing(name=entry.file)
    resolved = path.resolve()
    if resolved not in _verified:
        if sha256_of(path) != entry.sha256:
            raise ModelHashMismatch(name=entry.file)
        _verified.add(resolved)
    return path


def model_path(models_dir: Path, name: str) -> Path:
    """Return the verified file of model `name` under `models_dir`.

    A name outside the manifest is an operator's own rembg model: `<name>.onnx` must lie there,
    unpinned. Raises ModelMissing or ModelHashMismatch.
    """
    entry = load_manifest().get(name)
    if entry is not None:
        return verify(Path(models_dir) / entry.file, entry)
    path = Path(models_dir) / f"{name}.onnx"
    if not path.is_file():
        raise ModelMissing(name=path.name)
    return path
