"""A plain file from the package indexes pip is configured for: pip itself would run a source archive."""

from __future__ import annotations

import base64
import importlib
import re
import ssl
import subprocess  # only ever pip of this interpreter
import sys
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

from backoffice.photos.errors import FetchFailed
from backoffice.photos.models import Entry

TIMEOUT_S = 180


class _Links(HTMLParser):
    """Collects the href of every link of a simple-index page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address of an <a>."""
        if tag == "a":
            self.found += [value for key, value in attrs if key == "href" and value]


def download_sdist(entry: Entry, scratch: Path) -> None:
    """Find the entry's archive on pip's indexes and save it into `scratch`; none of its code is run.

    Raises FetchFailed.
    """
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
