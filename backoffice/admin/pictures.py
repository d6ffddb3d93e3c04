"""Pictures for the pages: opened from the sealed store, only for those who may see them."""

from __future__ import annotations

import io
import uuid
from typing import Any

from flask import Response, make_response, request
from PIL import Image
from sqlalchemy import select

from backoffice.admin.people import me, own_school, record
from backoffice.admin.room import Page, expose, one_or_404
from backoffice.db import db
from backoffice.errors import NotFound
from backoffice.i18n import Text
from backoffice.models import Photo
from backoffice.photos.reading import decode
from backoffice.security.access import first_access
from backoffice.security.tenancy import visible
from backoffice.services import services

SHOWN_SIDE = 1400  # pixels: large enough to judge, small enough to be there at once
SECONDS_KEPT = 600


class PicturesRoom(Page):
    """The finished picture as it is, the original as an upright JPEG without its metadata."""

    room = "pictures"
    label = Text("照片", "Pictures")

    @expose("/")
    def index(self) -> Any:
        """There is no list of pictures."""
        raise NotFound()

    @expose("/<uuid:id>/<any(original, result):side>")
    def picture(self, id: uuid.UUID, side: str) -> Response:
        """Send one picture; the first view by each member is recorded."""
        photo: Photo = one_or_404(select(Photo).where(Photo.id == id, visible(Photo, own_school())))
        key = photo.original_key if side == "original" else photo.result_key
        if key is None:
            raise NotFound()
        self._record(photo, side)
        tag = f"{photo.id.hex}-{side}"
        if request.if_none_match.contains(tag):
            return _kept(make_response("", 304), tag)
        data = services().storage.get(key)
        return _kept(_jpeg(data if side == "result" else for_screen(data)), tag)

    def _record(self, photo: Photo, side: str) -> None:
        action = f"photo:view_{side}"
        if first_access(
            db.session(), staff_id=me().id, action=action, subject_kind="photo", subject_id=photo.id
        ):
            record(action, "photo", photo.id)
            db.session.commit()


def for_screen(data: bytes) -> bytes:
    """Return a picture as an upright JPEG of at most 1400 px, without metadata.

    Raises the coded errors of `photos.reading` for what cannot be decoded.
    """
    picture = Image.fromarray(decode(data, want_side=SHOWN_SIDE).rgb)
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()


def _jpeg(data: bytes) -> Response:
    response = make_response(data)
    response.content_type = "image/jpeg"
    return response


def _kept(response: Response, tag: str) -> Response:
    response.headers["Cache-Control"] = f"private, max-age={SECONDS_KEPT}, immutable"
    response.set_etag(tag)
    return response
