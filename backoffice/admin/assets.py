"""Style sheets, scripts and pictures of the pages: local, under names that carry their content's hash.

`desk.css` is served as `desk.3f9a01c2d4e5.css` and kept for a year; a changed file has another name.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import flask_admin
from flask import Response, abort, send_file, url_for

FOLDER = Path(__file__).parent / "static"
# Files of libraries that the pages use, by the name they get here.
LIBRARY = {
    "bootstrap.css": Path(flask_admin.__file__).parent
    / "static/bootstrap/bootstrap4/css/bootstrap.min.css"
}
HASHED = re.compile(r"(?P<stem>[A-Za-z0-9_-]+)\.(?P<digest>[0-9a-f]{12})\.(?P<ending>[a-z0-9]+)")
YEAR = 31_536_000


def asset(name: str) -> str:
    """Return the address of one of our files, hash included. Raises FileNotFoundError."""
    stem, _, ending = name.rpartition(".")
    return url_for("backoffice_admin.static", filename=f"{stem}.{_digest(name)}.{ending}")


@cache
def _digest(name: str) -> str:
    return hashlib.sha256(_path(name).read_bytes()).hexdigest()[:12]


def _path(name: str) -> Path:
    path = LIBRARY.get(name, FOLDER / name)
    if not path.is_file():
        raise FileNotFoundError(name)
    return path


def serve(filename: str) -> Any:
    """Send a file. Under its present hash it may be kept for good, under any other name not."""
    hashed = HASHED.fullmatch(filename)
    name = f"{hashed['stem']}.{hashed['ending']}" if hashed else filename
    if "/" in name or name.startswith("."):
        abort(404)
    try:
        answer: Response = send_file(_path(name), conditional=True)
    except FileNotFoundError:
        abort(404)
    current = hashed is not None and hashed["digest"] == _digest(name)
    keep = f"public, max-age={YEAR}, immutable" if current else "no-cache"
    answer.headers["Cache-Control"] = keep
    return answer
