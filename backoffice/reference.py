"""Reference data every installation has: roles, rejection reasons, built-in photo standards."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.db import uuid7
from backoffice.models import PhotoStandard, RejectionReason, Role
from backoffice.models.vocabulary import StaffRole
from backoffice.photos.standards import BUILTIN, Standard

# DOMAIN section 8, the proposed catalogue: code, message zh/en, advice zh/en.
REASONS: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "P01",
        "头部倾斜，双眼不在同一水平线",
        "Head tilted, eyes not level",
        "请端正坐姿，保持两眼水平后重新拍摄。",
        "Sit straight, keep both eyes level and retake.",
    ),
    (
        "P02",
        "侧脸、低头或仰头",
        "Face turned, lowered or raised",
        "请正对镜头，镜头与双眼同高。",
        "Face the lens squarely, lens at eye height.",
    ),
    (
        "P03",
        "闭眼或未看镜头",
        "Eyes closed or not on the lens",
        "请自然睁开双眼，注视镜头。",
        "Keep your eyes open and look at the lens.",
    ),
    (
        "P04",
        "张嘴或露齿",
        "Mouth open or teeth showing",
        "请自然闭合双唇。",
        "Close your lips naturally.",
    ),
    (
        "P05",
        "两肩不平",
        "Shoulders not level",
        "请坐正，双肩放平。",
        "Sit straight with level shoulders.",
    ),
    (
        "H01",
        "头发遮挡眉毛、眼睛或耳朵",
        "Hair covers brows, eyes or ears",
        "请把头发束到耳后，露出眉毛和双耳。",
        "Tie your hair back; show brows and ears.",
    ),
    (
        "H02",
        "佩戴饰品或头饰",
        "Jewellery or headwear",
        "请取下耳环、项链、帽子等饰品。",
        "Remove jewellery and headwear.",
    ),
    (
        "H03",
        "眼镜反光、有色或不允许佩戴",
        "Glasses with glare, tinted or not allowed",
        "请摘下眼镜，或避免镜片反光。",
        "Take the glasses off or avoid glare.",
    ),
    (
        "H04",
        "浓妆或美瞳",
        "Heavy make-up or tinted lenses",
        "请勿化浓妆、佩戴美瞳。",
        "No heavy make-up or tinted contact lenses.",
    ),
    (
        "C01",
        "衣着与背景颜色相近",
        "Clothes of the background's colour",
        "请换与背景颜色反差明显的上衣。",
        "Wear a colour that contrasts with the background.",
    ),
    ("C02", "衣着不当", "Unsuitable clothes", "请穿素色有领上衣。", "Wear a plain collared top."),
    (
        "L01",
        "光线过暗或过曝",
        "Too dark or over-exposed",
        "请在均匀的正面光线下重新拍摄。",
        "Retake in even light from the front.",
    ),
    (
        "L02",
        "阴阳脸或面部高光",
        "Uneven light or hot spots on the face",
        "请避开侧光，擦去面部油光。",
        "Avoid side light and wipe off shine.",
    ),
    (
        "B01",
        "背景杂乱或抠图残缺",
        "Cluttered background or damaged cut-out",
        "请在素色墙面前一米处拍摄。",
        "Stand one metre before a plain wall.",
    ),
    (
        "Q01",
        "照片模糊或像素过低",
        "Blurred or too few pixels",
        "请使用后置摄像头，拿稳手机拍摄。",
        "Use the rear camera and hold still.",
    ),
    (
        "Q02",
        "构图超出范围",
        "Framing out of range",
        "请后退一步，让头肩落在取景框内。",
        "Step back and fit the outline.",
    ),
    (
        "Q03",
        "有黑边、边框或文字",
        "Black edges, frames or text",
        "请上传未经裁剪的原图。",
        "Upload the original picture.",
    ),
    (
        "Z01",
        "翻拍、扫描或截图",
        "Photo of a photo, scan or screenshot",
        "请直接对本人拍摄。",
        "Take a live photo of yourself.",
    ),
    (
        "Z02",
        "美颜、修图或人工智能生成",
        "Beautified, edited or AI-made",
        "请使用未经修饰的照片。",
        "Use an unedited photo.",
    ),
    (
        "Z03",
        "与以往照片为同一张",
        "The same picture as an earlier photo",
        "请重新拍摄新照片。",
        "Take a new photo.",
    ),
    (
        "Z04",
        "非本人或人像比对不符",
        "Not the student, or the comparison failed",
        "请联系学校核实身份。",
        "Please contact your school.",
    ),
    (
        "Z05",
        "多张人脸或没有人脸",
        "Several faces or none",
        "画面中只能有您本人。",
        "Only you may be in the picture.",
    ),
)


def load_reference_data(session: Session) -> None:
    """Add what is missing; never overwrites what staff have edited. Flushes, does not commit."""
    for role in StaffRole:
        session.execute(
            insert(Role)
            .values(id=uuid7(), name=role.value, description="")
            .on_conflict_do_nothing()
        )
    for position, (code, zh, en, advice_zh, advice_en) in enumerate(REASONS):
        session.execute(
            insert(RejectionReason)
            .values(
                code=code,
                message_zh=zh,
                message_en=en,
                advice_zh=advice_zh,
                advice_en=advice_en,
                position=position,
            )
            .on_conflict_do_nothing()
        )
    for standard in BUILTIN.values():
        _load_standard(session, standard)
    session.flush()


def _load_standard(session: Session, standard: Standard) -> None:
    """Add a built-in standard, or a further version of it when the product's own has changed.

    A standard an administrator has edited, or taken out of use, stays what they made it.
    """
    newest = session.scalars(
        select(PhotoStandard)
        .where(PhotoStandard.name == standard.name)
        .order_by(PhotoStandard.version.desc())
        .limit(1)
    ).one_or_none()
    version = standard.version
    if newest is not None:
        same = newest.as_standard() == replace(standard, version=newest.version)
        if same or newest.author_id is not None or newest.retired_at is not None:
            return
        version = newest.version + 1
        newest.retired_at = datetime.now(UTC)
        session.flush()
    session.execute(
        insert(PhotoStandard)
        .values(
            id=uuid7(),
            name=standard.name,
            version=version,
            title_zh=standard.title_zh,
            title_en=standard.title_en,
            data=replace(standard, version=version).to_dict(),
        )
        .on_conflict_do_nothing()  # two commands may start at once
    )
