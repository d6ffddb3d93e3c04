"""The record of how a finished picture was made, in words: every edit, for the order's page."""

from __future__ import annotations

from typing import Any

from backoffice.i18n import Text
from backoffice.models import Photo

EDITS: dict[str, Text] = {
    "exif_orientation": Text("按拍摄方向摆正", "set upright as the camera said"),
    "icc_to_srgb": Text("色彩转换为 sRGB", "colours brought to sRGB"),
    "alpha_over_white": Text("透明处填白", "transparent parts over white"),
    "depth_to_8_bit": Text("转换为 8 位", "brought to 8 bits"),
    "turned_90": Text("顺时针转 90°", "turned 90° clockwise"),
    "turned_180": Text("转 180°", "turned 180°"),
    "turned_270": Text("逆时针转 90°", "turned 90° anticlockwise"),
    "crop": Text("裁剪", "cut"),
    "scale": Text("缩放", "scaled"),
    "background": Text("更换背景", "background replaced"),
}


def making_of(photo: Photo | None) -> list[tuple[Text, Text]]:
    """Return the record as labels and values; empty for a photo that was not finished."""
    if photo is None or not photo.making.get("crop"):
        return []
    making: dict[str, Any] = photo.making
    edits = [EDITS.get(str(code), Text(str(code), str(code))) for code in photo.edits]
    lines = [
        (
            Text("修改", "Edits"),
            Text("、".join(e.zh for e in edits) or "无", ", ".join(e.en for e in edits) or "none"),
        )
    ]
    if source := making.get("source"):
        shape = f"{source['width']}×{source['height']} {str(source['format']).upper()}"
        lines.append((Text("原图", "Source"), Text(shape, shape)))
    lines.append((Text("裁剪范围", "Cut out"), _cut(making["crop"], making.get("scale"))))
    if standard := making.get("standard"):
        name = f"{standard['name']} v{standard['version']}"
        lines.append((Text("制作标准", "Made by standard"), Text(name, name)))
    models = ", ".join(f"{name} {digest}" for name, digest in making.get("models", {}).items())
    program = f"v{making.get('pipeline')}; {models}"
    lines.append((Text("程序与模型", "Program and models"), Text(program, program)))
    return lines


def _cut(crop: dict[str, float], scale: float | None) -> Text:
    """Return the rectangle in pixels of the upright source, and the scale."""
    size = f"{crop['width']:.0f}×{crop['height']:.0f}"
    place = f"{crop['left']:.0f}, {crop['top']:.0f}"
    times = "" if scale is None else f" × {scale:.3f}"
    return Text(f"自 ({place}) 起 {size} 像素{times}", f"{size} px from ({place}){times}")
