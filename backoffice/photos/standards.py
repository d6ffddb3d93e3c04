"""Named, versioned photo standards: the built-in ones, and the types all standards are made of.

The figures are those of DOMAIN section 1; what it leaves open is the national text's. An
administrator's changes become further versions in the database (`backoffice.standards`).
"""

from __future__ import annotations

from dataclasses import replace

from backoffice.photos.standards_limits import DEFAULT_LIMITS, Limit, Severity
from backoffice.photos.standards_record import BackgroundPolicy, GlassesRule, Range, Standard

__all__ = [
    "BUILTIN",
    "CHSI_BLUE",
    "DEFAULT_LIMITS",
    "BackgroundPolicy",
    "GlassesRule",
    "Limit",
    "Range",
    "Severity",
    "Standard",
]

KB = 1000  # offices count 1000 or 1024; the records below hold under both readings
WHITE, GREY = (255, 255, 255), (240, 240, 240)

CHSI_BLUE = Standard(
    name="chsi-degree-blue",
    version=1,
    title_zh="学历电子注册图像（浅蓝底）",
    title_en="Graduate registration portrait, light blue",
    width=480,
    height=640,
    dpi=300,
    background=(100, 197, 255),
    min_bytes=20 * 1024,
    max_bytes=40 * KB,
    preferred_bytes=(30 * 1024 + 512, 39_500),
    hair_top=(50, 110),
    eye_line=(200, 300),
    face_width=(180, 300),
    source="GTB(m), EOL",
)


def _national(name: str, zh: str, en: str, **changes: object) -> Standard:
    """Return the national text's standard under another name, with what differs."""
    return replace(CHSI_BLUE, name=name, title_zh=zh, title_en=en, **changes)  # type: ignore[arg-type]


_STANDARDS = (
    CHSI_BLUE,
    _national(
        "chsi-degree-white",
        "学历电子注册图像（白底）",
        "Graduate registration portrait, white",
        background=WHITE,
    ),
    _national(
        "chsi-degree-grey",
        "学历电子注册图像（浅灰底）",
        "Graduate registration portrait, light grey",
        background=GREY,
    ),
    _national(
        "xinhua-audit-blue",
        "新华社审核图像（浅蓝底）",
        "Xinhua audit portrait, light blue",
        min_bytes=30 * 1024 + 1,  # "more than 30, less than 60 KB"
        max_bytes=60 * KB - 1,
        preferred_bytes=(34 * 1024, 56_000),
        source="OPEN",
    ),
    _national(
        "freshman-white",
        "新生学籍照片（白底）",
        "Freshman enrolment portrait, white",
        background=WHITE,
        min_bytes=50 * 1024,
        max_bytes=100 * KB,
        preferred_bytes=(60 * 1024, 92_000),
        source="GUET",
    ),
    # The same head proportions on the taller frame, widths scaled by 390/480.
    _national(
        "degree-390x567",
        "学位证书照片 390×567（蓝底）",
        "Degree certificate portrait 390x567, blue",
        width=390,
        height=567,
        hair_top=(40, 100),
        eye_line=(165, 270),
        face_width=(147, 244),
        max_centre_offset=13.0,
        source="TJU(m)",
    ),
    _national(
        "self-study-tianjin-blue",
        "天津自考毕业照片（蓝底）",
        "Self-study graduation portrait, Tianjin, blue",
        source="TJ(m)",
    ),
    _national(
        "self-study-xinjiang-white",
        "新疆自考毕业照片（白底，六个月内）",
        "Self-study graduation portrait, Xinjiang, white, at most six months old",
        background=WHITE,
        source="XJ",
    ),
    # Guangdong asks for at least 168x192 pixels: the national size is above it.
    _national(
        "self-study-guangdong-blue",
        "广东自考毕业照片（浅蓝底）",
        "Self-study graduation portrait, Guangdong, pale blue",
        source="GDZK",
    ),
)

BUILTIN: dict[str, Standard] = {standard.name: standard for standard in _STANDARDS}
