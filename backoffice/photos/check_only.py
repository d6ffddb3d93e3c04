"""The policy `check_only`: the file must already be a finished picture; not one pixel is touched.

Some examinations forbid every edit. The picture is measured as it is; what is handed on is the same
JPEG data without the file's metadata.
"""

from __future__ import annotations

from backoffice.photos.checks import Check, judge
from backoffice.photos.encode import Encoded
from backoffice.photos.reading import Decoded
from backoffice.photos.standards import Limit, Standard
from backoffice.photos.windows import Crop

_EXACTLY = Limit("refuse", 1, 1)
_METADATA = {0xFE, *range(0xE1, 0xF0)}  # comments, APP1..APP15: EXIF, XMP, profiles, makers' data
_KEPT = 0xEE  # APP14 says how the colours are coded
_IMAGE_DATA = 0xDA


def judge_form(picture: Decoded, standard: Standard) -> list[Check]:
    """Judge whether the file has the standard's form: a plain sRGB JPEG of exactly its size."""
    same_size = picture.original_size == standard.size
    plain = picture.format == "jpeg" and not picture.edits
    return [
        judge("finished_size", float(same_size), (_EXACTLY,)),
        judge("finished_format", float(plain), (_EXACTLY,)),
    ]


def whole(picture: Decoded) -> Crop:
    """Return the window that is the whole file."""
    return Crop(1 / picture.scale, 0.0, 0.0)


def finished(data: bytes, quality: int | None) -> Encoded:
    """Return the file without its metadata; the coded image is the same bytes."""
    return Encoded(without_metadata(data), quality or 0, 0, 0)


def without_metadata(data: bytes) -> bytes:
    """Return a JPEG without EXIF, XMP, comments and makers' data. Other bytes stay as they are.

    Raises ValueError for what is no JPEG.
    """
    if data[:2] != b"\xff\xd8":
        raise ValueError("no JPEG")
    kept, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _IMAGE_DATA:
            break
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker not in _METADATA or marker == _KEPT:
            kept.append(data[at:end])
        at = end
    finish = data.rfind(b"\xff\xd9")
    kept.append(data[at : finish + 2 if finish > at else len(data)])
    return b"".join(kept)
