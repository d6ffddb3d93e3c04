"""One face, whole, in the right place: what is in the picture and what is cut."""

from __future__ import annotations

import numpy as np

from backoffice.i18n import Text
from backoffice.photos.arrays import RGB
from backoffice.photos.checks.kinds import Kind
from backoffice.photos.face import Face

_OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
         148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip


KINDS = (
    Kind(
        "no_face",
        Text("有人脸", "A face"),
        "Z05",
        Text(
            "照片中没有找到人脸，请正对镜头、在光线充足处露出整张脸重新拍摄。",
            "No face was found: face the lens in good light with the whole face visible.",
        ),
        ofiq="SingleFacePresent",
    ),
    Kind(
        "face_count",
        Text("人脸数量", "Faces"),
        "Z05",
        Text(
            "照片中必须且只能有本人一张完整的脸，请独自入镜、正对镜头重新拍摄。",
            "Exactly one whole face must be in the photo: be alone in the frame, facing the lens.",
        ),
        ofiq="SingleFacePresent",
    ),
    Kind(
        "face_complete",
        Text("面部完整", "Face complete"),
        "Q02",
        Text(
            "脸部被画面边缘截断，请后退一步，让头部和双肩完整入镜。",
            "The face is cut by the edge: step back so that head and shoulders are whole.",
        ),
    ),
    Kind(
        "head_whole",
        Text("头部完整", "Head complete"),
        "Q02",
        Text(
            "头顶或头发被画面上边截断，请后退一步，头顶上方留出空白。",
            "The hair is cut by the top edge: step back and leave room above the head.",
        ),
        ofiq="MarginAboveOfTheFaceImage",
    ),
    Kind(
        "coverage_top",
        Text("头顶留边", "Room above"),
        "Q02",
        Text(
            "头顶上方留白不足，请后退一步，头顶上方多留空白。",
            "There is too little room above the head: step back.",
        ),
    ),
    Kind(
        "coverage_bottom",
        Text("下缘画面", "Bottom of the frame"),
        "Q02",
        Text(
            "照片下方不够长，拍不到胸前，请后退一步，拍到胸口以下。",
            "The photo ends too high: step back so that the chest is in it.",
        ),
        ofiq="MarginBelowOfTheFaceImage",
    ),
    Kind(
        "coverage_sides",
        Text("两侧画面", "Sides of the frame"),
        "Q02",
        Text(
            "肩部被画面侧边截断，请后退一步并居中，双肩完整入镜。",
            "A shoulder is cut by the side edge: step back and stand in the middle.",
        ),
    ),
    Kind(
        "black_edge",
        Text("无黑边边框", "No frame"),
        "Q03",
        Text(
            "照片四周有黑边或边框，请上传手机拍摄的原图。",
            "The photo has black bars or a frame: upload the original.",
        ),
    ),
    Kind(
        "hair_top",
        Text("头顶距上缘", "Hair top"),
        "Q02",
        Text(
            "头顶到眼睛的距离不合规格，请压低高耸的发髻或头饰，平视镜头重新拍摄。",
            "The head is too high above the eyes: flatten a high bun or remove headwear.",
        ),
    ),
    Kind(
        "eye_line",
        Text("眼睛距上缘", "Eye line"),
        "Q02",
        Text(
            "眼睛位置超出规格范围，请平视镜头、居中拍摄。",
            "The eyes are out of place: look straight.",
        ),
    ),
    Kind(
        "face_width",
        Text("脸宽", "Face width"),
        "Q02",
        Text(
            "脸部宽度超出规格范围，请调整与镜头的距离。",
            "The face width is out of range: change the distance.",
        ),
        ofiq="HeadSize",
    ),
    Kind(
        "centre_offset",
        Text("居中偏移", "Centre offset"),
        "Q02",
        Text("脸部不居中，请站在画面正中拍摄。", "The face is off centre: stand in the middle."),
    ),
    Kind(
        "file_size",
        Text("文件大小", "File size"),
        "Q01",
        Text(
            "成品文件大小无法达到要求，请在纯色背景前重新拍摄。",
            "The finished file cannot reach the required size: use a plain background.",
        ),
    ),
    Kind(
        "finished_size",
        Text("成品尺寸", "Finished size"),
        "Q02",
        Text(
            "本次考试不允许修改照片：请上传尺寸完全符合要求的成品照片。",
            "This examination allows no edits: upload a finished photo of exactly the size asked for.",
        ),
    ),
    Kind(
        "finished_format",
        Text("成品格式", "Finished format"),
        "Q03",
        Text(
            "本次考试不允许修改照片：请上传普通的 JPEG 成品照片，不要旋转或转换。",
            "This examination allows no edits: upload a plain JPEG, neither turned nor converted.",
        ),
    ),
)


def outside_share(face: Face, shape: tuple[int, ...]) -> float:
    """Return the share of the face's outline that lies outside the picture."""
    points = face.points[list(_OVAL), :2]
    slack = 0.01 * face.width
    outside = (points < -slack) | (points > np.array([shape[1], shape[0]]) - 1 + slack)
    return float(outside.any(axis=1).mean())


def frame_width(rgb: RGB) -> float:
    """Return the widest plain bar along an edge, black or white, as a share of that side.

    Only lines of one flat colour across the whole side count, as screens and editors draw them.
    """
    height, width = rgb.shape[:2]
    grey = rgb[..., 1]
    widest = 0.0
    for lines, side in (
        (grey, height),
        (grey[::-1], height),
        (grey.T, width),
        (grey.T[::-1], width),
    ):
        widest = max(widest, _flat_lines(lines) / side)
    return widest


def _flat_lines(lines: RGB) -> int:
    """Return how many lines from the first on are flat and black (or flat and pure white)."""
    count = 0
    for line in lines[: len(lines) // 3]:
        flat = int(line.max()) - int(line.min()) <= 10
        if not flat or 12 < int(line.mean()) < 250:
            break
        count += 1
    return count
