"""The network that finds faces on the phone, for the camera's hints: from MODELS_DIR to the browser.

It is one of the fetched model files. Without it the page works: its hints are about light only.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

from flask import Response, abort, send_file, url_for

from backoffice.photos.models import Entry, ModelHashMismatch, ModelMissing, page_model
from backoffice.services import services
from student_api.web.assets import keep_for_good

NAME = "face_detection_short_range"
log = logging.getLogger("student_api")


def face_model_url() -> str | None:
    """Return the address of the network, which changes with its content; None where it is absent."""
    found = _present(services().settings.models)
    if found is None:
        return None
    return url_for("student_pages.face_model", version=_version(found[1]))


def face_model(version: str) -> Response:
    """Send the network; any other version than the present one is 404."""
    found = _present(services().settings.models)
    if found is None or version != _version(found[1]):
        abort(404)
    return keep_for_good(send_file(found[0].resolve(), mimetype="application/octet-stream"))


def _version(entry: Entry) -> str:
    return entry.sha256[:12]


@lru_cache
def _present(models_dir: Path) -> tuple[Path, Entry] | None:
    """Look once per process: a file fetched later is found after the next start."""
    try:
        return page_model(models_dir, NAME)
    except (ModelMissing, ModelHashMismatch) as error:
        log.warning("no hints about faces on the camera screen: %s", error.code)
        return None
