"""What differs between two versions of a standard, in words: for people before they save."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backoffice.i18n import Text
from backoffice.photos.checks.catalogue import KINDS
from backoffice.photos.standards_limits import Limit
from backoffice.photos.standards_record import Standard

FIELDS: dict[str, Text] = {
    "title_zh": Text("中文标题", "Chinese title"),
    "title_en": Text("英文标题", "English title"),
    "source": Text("规定出处", "Where the rule is written"),
    "width": Text("宽（像素）", "Width (px)"),
    "height": Text("高（像素）", "Height (px)"),
    "dpi": Text("分辨率（dpi）", "Resolution (dpi)"),
    "background": Text("背景色（红 绿 蓝）", "Background (red green blue)"),
    "background_policy": Text("背景处理", "Background policy"),
    "min_bytes": Text("文件下限（字节）", "File at least (bytes)"),
    "max_bytes": Text("文件上限（字节）", "File at most (bytes)"),
    "preferred_bytes": Text("文件目标范围（字节）", "File size aimed at (bytes)"),
    "min_quality": Text("最低 JPEG 质量", "Lowest JPEG quality"),
    "hair_top": Text("头顶距上边（像素）", "Hair top from the top (px)"),
    "eye_line": Text("眼睛距上边（像素）", "Eyes from the top (px)"),
    "face_width": Text("脸宽（像素）", "Face width (px)"),
    "max_centre_offset": Text("允许偏离中线（像素）", "Off the middle at most (px)"),
    "max_eye_angle": Text("允许双眼倾斜（度）", "Eye tilt at most (degrees)"),
    "glasses": Text("眼镜", "Glasses"),
    "allow_album": Text("允许相册照片", "Album pictures allowed"),
    "max_attempts": Text("每单上传次数上限", "Uploads per order at most"),
}
POLICIES: dict[str, Text] = {
    "replace": Text("换成标准背景", "Replaced"),
    "crop_only": Text("只裁剪缩放，保留原背景", "Cropped and scaled only, the wall stays"),
    "check_only": Text("只检测，不做任何修改", "Checked only, nothing is edited"),
}
GLASSES: dict[str, Text] = {
    "allowed": Text("允许", "Allowed"),
    "clear_only": Text("仅限无色、无反光", "Clear ones only"),
    "forbidden": Text("不允许", "Forbidden"),
}
SEVERITIES: dict[str, Text] = {
    "refuse": Text("拒收", "refuse"),
    "warn": Text("警告", "warn"),
    "note": Text("提示", "note"),
}


@dataclass(frozen=True)
class Difference:
    """One field of two versions. `old` is None where there was no earlier version."""

    label: Text
    old: Text | None
    new: Text | None


def differences(old: Standard | None, new: Standard) -> list[Difference]:
    """Return the fields and limits in which two versions differ; all of them without `old`."""
    found = [
        Difference(label, None if old is None else shown(old, name), shown(new, name))
        for name, label in FIELDS.items()
        if old is None or getattr(old, name) != getattr(new, name)
    ]
    before = {} if old is None else old.limits
    for code in sorted({*before, *new.limits}):
        if before.get(code) != new.limits.get(code):
            title = KINDS[code].title if code in KINDS else Text(code, code)
            found.append(
                Difference(
                    title, _limits_text(before.get(code)), _limits_text(new.limits.get(code))
                )
            )
    return found


def shown(standard: Standard, name: str) -> Text:
    """Return one field of a standard as people read it."""
    value: Any = getattr(standard, name)
    words = {"background_policy": POLICIES, "glasses": GLASSES}.get(name)
    if words is not None:
        return words[value]
    if isinstance(value, bool):
        return Text("是", "yes") if value else Text("否", "no")
    if value is None:
        return Text("由批次决定", "the batch decides")
    if name == "background":
        return Text(" ".join(map(str, value)), " ".join(map(str, value)))
    text = "–".join(f"{part:g}" for part in value) if isinstance(value, tuple) else _plain(value)
    return Text(text, text)


def _plain(value: Any) -> str:
    return (
        f"{value:,}"
        if isinstance(value, int)
        else f"{value:g}"
        if isinstance(value, float)
        else value
    )


def _limits_text(limits: tuple[Limit, ...] | None) -> Text | None:
    if not limits:
        return None
    parts = [(SEVERITIES[limit.severity], _bounds(limit)) for limit in limits]
    return Text(
        "；".join(f"{word.zh}：{bounds}之外" for word, bounds in parts),
        "; ".join(f"{word.en} outside {bounds}" for word, bounds in parts),
    )


def _bounds(limit: Limit) -> str:
    if limit.low is not None and limit.high is not None:
        return f"{limit.low:g}–{limit.high:g}"
    return f"≥ {limit.low:g}" if limit.low is not None else f"≤ {limit.high:g}"
