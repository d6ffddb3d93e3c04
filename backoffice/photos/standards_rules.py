"""Whether a standard makes sense: each problem names its field and says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import get_args

from backoffice.i18n import Text
from backoffice.photos.checks.catalogue import KINDS
from backoffice.photos.standards_limits import Limit, Severity
from backoffice.photos.standards_record import BackgroundPolicy, GlassesRule, Standard

NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,38}[a-z0-9]")
# Hair top above the eyes, in face widths, of the heads measured (FEASIBILITY section 4).
SHORTEST_HEAD, TALLEST_HEAD = 0.93, 1.27


@dataclass(frozen=True)
class Problem:
    """`field`: an attribute of Standard, or `limits.<check code>`."""

    field: str
    message: Text


def problems(standard: Standard) -> list[Problem]:
    """Return everything that is wrong with a standard; an empty list for a usable one."""
    parts = (_words(standard), _numbers(standard), _geometry(standard), _limits(standard))
    return list(chain.from_iterable(parts))


def _words(standard: Standard) -> Iterator[Problem]:
    if not NAME.fullmatch(standard.name):
        yield Problem(
            "name",
            Text(
                "名称用小写字母、数字和连字符，3 至 40 个字符，例如 chsi-degree-blue。",
                "Use 3 to 40 lower-case letters, digits and hyphens, e.g. chsi-degree-blue.",
            ),
        )
    for field in ("title_zh", "title_en"):
        if not 1 <= len(getattr(standard, field).strip()) <= 100:
            yield Problem(
                field, Text("请填写 1 至 100 个字的标题。", "Write a title of 1 to 100 characters.")
            )
    if standard.background_policy not in get_args(BackgroundPolicy):
        yield Problem("background_policy", Text("请选择背景处理方式。", "Choose a policy."))
    if standard.glasses not in get_args(GlassesRule):
        yield Problem("glasses", Text("请选择眼镜规定。", "Choose a rule for glasses."))


# field: lowest, highest, unit
_NUMBERS: dict[str, tuple[float, float, Text]] = {
    "width": (100, 2000, Text("像素", "px")),
    "height": (100, 2600, Text("像素", "px")),
    "dpi": (72, 1200, Text("dpi", "dpi")),
    "min_bytes": (1_000, 5_000_000, Text("字节", "bytes")),
    "max_bytes": (1_000, 5_000_000, Text("字节", "bytes")),
    "min_quality": (30, 95, Text("（JPEG 质量）", "(JPEG quality)")),
    "max_centre_offset": (2, 200, Text("像素", "px")),
    "max_eye_angle": (0.5, 15, Text("度", "degrees")),
}


def _numbers(standard: Standard) -> Iterator[Problem]:
    for field, (low, high, unit) in _NUMBERS.items():
        if not low <= getattr(standard, field) <= high:
            yield Problem(
                field,
                Text(
                    f"应在 {low:g} 至 {high:g} {unit.zh}之间。",
                    f"Must be between {low:g} and {high:g} {unit.en}.",
                ),
            )
    if any(not 0 <= part <= 255 for part in standard.background):
        yield Problem(
            "background",
            Text("红、绿、蓝各为 0 至 255。", "Red, green and blue are 0 to 255 each."),
        )
    if standard.max_attempts is not None and not 1 <= standard.max_attempts <= 1000:
        yield Problem(
            "max_attempts",
            Text("应在 1 至 1000 之间，或留空。", "Must be between 1 and 1000, or empty."),
        )
    yield from _file_sizes(standard)


def _file_sizes(standard: Standard) -> Iterator[Problem]:
    low, high = standard.preferred_bytes
    if standard.min_bytes >= standard.max_bytes:
        yield Problem(
            "max_bytes",
            Text("上限必须大于下限。", "The upper limit must be above the lower one."),
        )
    elif not standard.min_bytes <= low < high <= standard.max_bytes:
        yield Problem(
            "preferred_bytes",
            Text(
                "目标范围必须在下限与上限之内，且先小后大。",
                "The range aimed at must lie within the limits, the smaller number first.",
            ),
        )


def _geometry(standard: Standard) -> Iterator[Problem]:
    sides = {
        "hair_top": standard.height,
        "eye_line": standard.height,
        "face_width": standard.width,
    }
    sound = True
    for field, side in sides.items():
        low, high = getattr(standard, field)
        if not 0 <= low < high <= side:
            sound = False
            yield Problem(
                field,
                Text(
                    f"应为 0 至 {side} 像素之间的范围，先小后大。",
                    f"Must be a range within 0 to {side} px, the smaller number first.",
                ),
            )
    if sound and not _some_head_fits(standard):
        yield Problem(
            "face_width",
            Text(
                "没有人的头能同时满足这三个范围：脸宽与头顶至眼睛的距离对不上，请放宽其中之一。",
                "No head meets these three ranges at once: the face width does not go with the "
                "distance from hair to eyes. Widen one of them.",
            ),
        )


def _some_head_fits(standard: Standard) -> bool:
    """Whether a usual head (hair .93 to 1.27 face widths above the eyes) fits all the ranges."""
    least = standard.eye_line[0] - standard.hair_top[1]
    most = standard.eye_line[1] - standard.hair_top[0]
    narrow, wide = standard.face_width
    return narrow * SHORTEST_HEAD <= most and wide * TALLEST_HEAD >= least


def _limits(standard: Standard) -> Iterator[Problem]:
    for code, limits in standard.limits.items():
        message = _limits_problem(code, limits)
        if message is not None:
            yield Problem(f"limits.{code}", message)


def _limits_problem(code: str, limits: tuple[Limit, ...]) -> Text | None:
    if code not in KINDS:
        return Text("没有这项检测。", "There is no such check.")
    if any(limit.severity not in get_args(Severity) for limit in limits):
        return Text("请选择后果。", "Choose what follows.")
    for limit in limits:
        if limit.low is not None and limit.high is not None and limit.low > limit.high:
            return Text("下限不能大于上限。", "The lower limit cannot be above the upper limit.")
    for wide, narrow in pairwise(limits):
        if not _is_wider(wide, narrow):
            return Text(
                "拒收的界限必须比提示的界限宽，否则提示永远不会出现。",
                "The bounds for refusing must be wider than those for hinting, or no hint appears.",
            )
    return None


def _is_wider(wide: Limit, narrow: Limit) -> bool:
    low = wide.low is None or (narrow.low is not None and wide.low <= narrow.low)
    high = wide.high is None or (narrow.high is not None and wide.high >= narrow.high)
    return low and high
