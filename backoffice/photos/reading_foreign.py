"""A picture file that is also another kind of file: archive, page, script, document, program."""

from __future__ import annotations

from backoffice.photos.errors import ImagePolyglot

_FOREIGN = (
    b"PK\x03\x04",
    b"%PDF-",
    b"<html",
    b"<script",
    b"<?php",
    b"<!doctype",
    b"Rar!",
    b"\x7fELF",
)


def check_foreign(data: bytes, kind: str) -> None:
    """Raise ImagePolyglot for a file that is also an archive, a page or a script.

    The original is kept and served, so it must be nothing but a picture.
    """
    tail = data[_end_of_picture(data, kind) :][: 1 << 20].lower()
    head = data[: _start_of_pixels(data, kind)].lower()
    if any(mark.lower() in tail for mark in _FOREIGN):
        raise ImagePolyglot
    if any(mark.lower() in head for mark in _FOREIGN if len(mark) > 4):
        raise ImagePolyglot


def _start_of_pixels(data: bytes, kind: str) -> int:
    """Return how far the file's own words (comments, EXIF, profiles) reach, at least 1024 bytes."""
    mark = {"jpeg": b"\xff\xda", "png": b"IDAT"}.get(kind)
    return max(data.find(mark), 1024) if mark else 1024


def _end_of_picture(data: bytes, kind: str) -> int:
    if kind == "png":
        end = data.rfind(b"IEND")
        return end + 8 if end >= 0 else len(data)
    if kind == "webp":
        return 8 + int.from_bytes(data[4:8], "little")
    if kind == "jpeg":
        end = data.rfind(b"\xff\xd9")
        return end + 2 if end >= 0 else len(data)
    return _end_of_boxes(data)


def _end_of_boxes(data: bytes) -> int:
    """Return where the last whole top-level box of a HEIC file (ISO/IEC 14496-12) ends."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < 8 or at + size > len(data):
            return at if size else len(data)  # 0: the box reaches the end of the file
        at += size
    return at
