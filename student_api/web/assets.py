"""The page's static files under an address that changes with their content, cached for a year."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Response, send_from_directory, url_for

FOLDER = Path(__file__).parent / "static"
YEAR = 365 * 24 * 3600


@lru_cache
def digest() -> str:
    """Return twelve hex digits over all files: a change to any of them is a new address for all.

    Modules import each other by relative paths, so they need one common folder.
    """
    found = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            found.update(path.relative_to(FOLDER).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:12]


@lru_cache
def module_names() -> tuple[str, ...]:
    """Return the modules of the page, to be fetched at once and not one after the other."""
    return tuple(sorted(p.relative_to(FOLDER).as_posix() for p in FOLDER.glob("app/**/*.js")))


def asset_url(name: str) -> str:
    """Return the address of a static file."""
    return url_for("student_pages.asset", version=digest(), name=name)


def asset(version: str, name: str) -> Response:
    """Send a static file; for good when the address is of the present version."""
    response = send_from_directory(FOLDER, name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return keep_for_good(response) if version == digest() else response


def keep_for_good(response: Response) -> Response:
    """Let browsers and caches keep what lies at an address that changes with its content."""
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response
