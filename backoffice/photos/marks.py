"""What the file itself says about its making: software, lens, compression; read, never kept.

Anyone can remove or forge these marks. Their presence is a hint to the reviewer, their absence
proves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from PIL import Image

_SOFTWARE, _PROCESSING, _DESCRIPTION, _EXIF_IFD = 0x0131, 0x000B, 0x010E, 0x8769
_USER_COMMENT, _LENS = 0x9286, 0xA434
# Programs that change how a person looks, and pictures made by machines. The phone's own camera
# and plain copying tools also write the Software tag: they are not in the list.
_EDITORS = re.compile(
    r"photoshop|lightroom|gimp|snapseed|picsart|facetune|faceapp|vsco|pixelmator|affinity"
    r"|paint\.net|acorn|coreldraw|capture one|luminar|meitu|美图|美颜|beautycam|beautyplus|b612|camera360"
    r"|醒图|轻颜|faceu|ulike|美颜相机|无他|pitu|天天p图|snow\b|stable.?diffusion|midjourney|dall.?e|comfyui"
    r"|automatic1111|firefly|trainedalgorithmicmedia|compositewithtrainedalgorithmicmedia|canva",
    re.IGNORECASE,
)
# Where XMP names programs. Its namespaces name Adobe and Photoshop in every camera's file too.
_XMP_PROGRAMS = re.compile(
    r"""(?:CreatorTool|softwareAgent|DigitalSourceType)[^>"']{0,20}[>"']\s*([^"'<]{1,200})"""
)
_SCREENSHOT = re.compile(r"screenshot|screen ?capture|截屏|截图|屏幕快照", re.IGNORECASE)
_FRONT = re.compile(r"\bfront\b|前置", re.IGNORECASE)
_XMP_LIMIT = 64 * 1024  # bytes looked at
# Annex K of ITU-T T.81: the luminance table of quality 50, summed; libjpeg scales it.
_SUM_AT_50 = 3692


@dataclass(frozen=True)
class Marks:
    """`editors`: names of editing programs found. `jpeg_quality`: 1..100 by the tables, None if no JPEG."""

    editors: tuple[str, ...] = ()
    screenshot: bool = False
    front_camera: bool = False
    jpeg_quality: int | None = None


def read_marks(image: Image.Image) -> Marks:
    """Return the marks of an opened, not yet converted picture. Broken metadata counts as none."""
    texts, lens = _texts(image)
    everything = "\n".join(texts)
    editors = sorted({match.group(0).lower() for match in _EDITORS.finditer(everything)})
    return Marks(
        editors=tuple(editors),
        screenshot=bool(_SCREENSHOT.search(everything)),
        front_camera=bool(_FRONT.search(lens)),
        jpeg_quality=_quality(getattr(image, "quantization", None)),
    )


def _texts(image: Image.Image) -> tuple[list[str], str]:
    texts = [_text(image.info.get(key)) for key in ("Software", "Comment", "parameters")]
    for key in ("xmp", "XML:com.adobe.xmp"):
        texts += _XMP_PROGRAMS.findall(_text(image.info.get(key)))
    try:
        exif = image.getexif()
        details = exif.get_ifd(_EXIF_IFD)
    except (ValueError, TypeError, SyntaxError, OSError, KeyError, ZeroDivisionError):
        return texts, ""
    texts += [_text(exif.get(tag)) for tag in (_SOFTWARE, _PROCESSING, _DESCRIPTION)]
    texts.append(_text(details.get(_USER_COMMENT)))
    return texts, _text(details.get(_LENS))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value[:_XMP_LIMIT].decode("utf-8", "replace")
    return str(value)[:_XMP_LIMIT] if value is not None else ""


def _quality(tables: dict[int, list[int]] | None) -> int | None:
    """Return the libjpeg quality whose luminance table is as coarse as the file's."""
    if not tables or len(tables.get(0, ())) != 64:
        return None
    percent = 100 * sum(tables[0]) / _SUM_AT_50
    quality = 5000 / percent if percent > 100 else (200 - percent) / 2
    return int(min(max(round(quality), 1), 100))
