"""Why a capture code is not taken."""

from __future__ import annotations

from backoffice.errors import BackofficeError
from backoffice.i18n import Text


class CaptureCodeError(BackofficeError):
    """Base of everything that can be wrong with a capture code."""

    title = Text("图像采集码不可用", "The capture code cannot be used")


class CaptureCodeUnreadable(CaptureCodeError):
    """The picture holds no QR code that can be read."""

    code = "capture_code_unreadable"
    title = Text("未识别到采集码", "No capture code found")
    detail = Text(
        "图片中没有识别到二维码。请在学信网长按保存图像采集码原图后上传，不要裁剪、涂抹或拍摄反光的屏幕。",
        "No QR code could be read in this picture. Save the original capture code from CHSI and "
        "upload it uncropped; avoid photographing a shiny screen.",
    )


class CaptureCodeInvalid(CaptureCodeError):
    """The text is not a genuine capture code."""

    code = "capture_code_invalid"
    title = Text("采集码无效", "Not a genuine capture code")
    detail = Text(
        "这不是有效的学信网图像采集码，请登录学信网重新获取本人的图像采集码。",
        "This is not a genuine capture code. Log in to CHSI and fetch your own code again.",
    )


class CaptureCodeExpired(CaptureCodeError):
    """The code was genuine and is past its date."""

    code = "capture_code_expired"
    title = Text("采集码已过期", "The capture code has expired")
    detail = Text(
        "该图像采集码已过期，请登录学信网重新获取。",
        "This capture code has expired. Log in to CHSI and fetch a new one.",
    )


class CaptureCodeUnavailable(CaptureCodeError):
    """Nobody can decode codes just now: the service is down, or none is configured."""

    code = "capture_code_unavailable"
    title = Text("采集码识别服务暂不可用", "Capture codes cannot be decoded now")
    detail = Text(
        "采集码识别服务暂时不可用，请稍后重试；多次失败请联系客服。",
        "The decoding service cannot be reached. Try again later, or contact support.",
    )


class BatchCodeUnreadable(CaptureCodeError):
    """The picture holds no batch or personal QR code that can be read."""

    code = "batch_code_unreadable"
    title = Text("未识别到批次二维码", "No batch code found")
    detail = Text(
        "图片中没有识别到批次二维码。请拍摄海报或班级码单上的整个二维码，或直接输入特征码。",
        "No batch QR code could be read in this picture. Take the whole code on the poster or the "
        "class sheet, or type the feature code in.",
    )
