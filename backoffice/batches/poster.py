"""The A4 poster of a batch: what hangs in the dormitory and lies on the clerk's desk."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from backoffice.batches.page_text import draw_spaced, fitted_size, shorten, wrap
from backoffice.batches.qr import QUIET_ZONE, batch_matrix, draw_matrix
from backoffice.fonts.pdf import BLACK, BOLD, REGULAR, font_name
from backoffice.i18n import DEFAULT_LOCALE, Text

Colour = tuple[float, float, float]
INK: Colour = (0.09, 0.13, 0.20)
MUTED: Colour = (0.37, 0.42, 0.50)
BLUE: Colour = (0.04, 0.28, 0.56)
SKY: Colour = (100 / 255, 197 / 255, 1.0)  # the background the pictures will have
PAPER: Colour = (0.945, 0.965, 0.985)
WHITE: Colour = (1.0, 1.0, 1.0)

MARGIN = 18 * mm
BAND_HEIGHT = 66 * mm
CARD_SIDE = 98 * mm  # the QR code and its quiet zone
WIDTH, HEIGHT = A4

TITLE = Text("毕业证件照采集", "Graduation ID photo")
TITLE_FRESHMAN = Text("新生证件照采集", "Freshman ID photo")
SCAN = Text("微信扫一扫，用手机完成采集", "Scan with your phone to take part")
CODE_LABEL = Text("特征码", "Feature code")
CODE_HINT = Text(
    "扫不了码？打开最下方的网址，输入特征码",
    "Cannot scan? Open the address below and enter this code",
)
WINDOW = Text("采集时间", "Open")
SIGN_IN = Text("扫码登记", "Scan and sign in")
WITH_CODE = Text(
    "核对个人信息，上传学信网图像采集码", "Check your details and upload your CHSI capture code"
)
WITHOUT_CODE = Text("核对姓名、学号等个人信息", "Check your name, student number and class")
SHOOT = Text("手机拍照", "Take the photo")
HOW_TO_SHOOT = Text(
    "白墙前站立，后置摄像头，请同学帮忙拍",
    "Stand at a plain wall; ask a friend to use the rear camera",
)
RESULT = Text("审核领取", "Get the result")
RETAKE = Text("审核结果短信通知，不通过可按提示重拍", "A message tells you; follow it to retake")
REFUNDED = Text(
    "审核结果短信通知，不通过将自动退款", "A message tells you; a rejected photo is refunded"
)


@dataclass(frozen=True)
class Poster:
    """What a poster says. Times are aware; they are shown in `timezone`.

    url: target of the QR code. capture_code: whether students must bring one. refunds_rejected:
    a rejected photo is refunded instead of taken again.
    """

    school: str
    batch: str
    feature_code: str
    url: str
    opens_at: datetime
    closes_at: datetime
    freshman: bool = False
    refunds_rejected: bool = False
    capture_code: bool = True
    timezone: str = "Asia/Shanghai"


def render_poster(poster: Poster, locale: str = DEFAULT_LOCALE) -> bytes:
    """Return the poster as a one-page A4 PDF in Chinese or English."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, lang="en" if locale == "en" else "zh-CN")
    title = TITLE_FRESHMAN if poster.freshman else TITLE
    canvas.setTitle(f"{poster.school} {title.get(locale)} {poster.feature_code}")
    _band(canvas, poster, title.get(locale), locale)
    _qr_card(canvas, poster)
    _code(canvas, poster, locale)
    _steps(canvas, poster, locale)
    _address(canvas, poster)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def window_text(opens_at: datetime, closes_at: datetime, zone: tzinfo, locale: str) -> str:
    """Return the window as a reader in `zone` says it; the year is not repeated."""
    start, end = opens_at.astimezone(zone), closes_at.astimezone(zone)
    if locale == "en":
        return f"{start:%d %b %Y, %H:%M} – {end:%d %b %Y, %H:%M}"
    first = f"{start.year}年{start.month}月{start.day}日 {start:%H:%M}"
    year = f"{end.year}年" if end.year != start.year else ""
    return f"{first} 至 {year}{end.month}月{end.day}日 {end:%H:%M}"


def _band(canvas: Canvas, poster: Poster, title: str, locale: str) -> None:
    bottom = HEIGHT - BAND_HEIGHT
    _box(canvas, 0, bottom, WIDTH, BAND_HEIGHT, BLUE)
    _box(canvas, 0, bottom - 2 * mm, WIDTH, 2 * mm, SKY)
    inner = WIDTH - 2 * MARGIN
    school = shorten(poster.school, font_name(BOLD), 17, inner)
    _centred(canvas, school, BOLD, 17, HEIGHT - 17 * mm, SKY)
    size = fitted_size(title, font_name(BLACK), 44, inner, 24)
    _centred(canvas, title, BLACK, size, HEIGHT - 36 * mm, WHITE)
    batch = shorten(poster.batch, font_name(REGULAR), 15, inner)
    _centred(canvas, batch, REGULAR, 15, HEIGHT - 47 * mm, WHITE)
    window = window_text(poster.opens_at, poster.closes_at, ZoneInfo(poster.timezone), locale)
    line = f"{WINDOW.get(locale)}  {window}"
    size = fitted_size(line, font_name(BOLD), 13, inner, 9)
    _centred(canvas, line, BOLD, size, HEIGHT - 58 * mm, WHITE)


def _qr_card(canvas: Canvas, poster: Poster) -> None:
    """Draw the code on a white card that leaves the quiet zone free on all sides."""
    matrix = batch_matrix(poster.url)
    quiet = CARD_SIDE / (len(matrix) + 2 * QUIET_ZONE) * QUIET_ZONE
    x, y = (WIDTH - CARD_SIDE) / 2, HEIGHT - BAND_HEIGHT - 8 * mm - CARD_SIDE
    _box(canvas, x, y, CARD_SIDE, CARD_SIDE, WHITE, outline=SKY, radius=4 * mm)
    draw_matrix(canvas, matrix, x + quiet, y + quiet, CARD_SIDE - 2 * quiet)


def _code(canvas: Canvas, poster: Poster, locale: str) -> None:
    _centred(canvas, SCAN.get(locale), BOLD, 16, 115 * mm, INK)
    font = font_name(BLACK)
    size = fitted_size(poster.feature_code, font, 66, 118 * mm, 30)
    canvas.setFillColorRGB(*BLUE)
    draw_spaced(canvas, poster.feature_code, font, size, WIDTH / 2, 83 * mm, 3.2 * mm)
    _centred(canvas, CODE_LABEL.get(locale), BOLD, 12, 105 * mm, MUTED)
    _centred(canvas, CODE_HINT.get(locale), REGULAR, 11, 74.5 * mm, MUTED)


def _address(canvas: Canvas, poster: Poster) -> None:
    """Write the address out, for a phone whose camera is broken."""
    size = fitted_size(poster.url, font_name(REGULAR), 10, WIDTH - 2 * MARGIN, 5)
    _centred(canvas, poster.url, REGULAR, size, 11 * mm, MUTED)


def _wording(poster: Poster) -> list[tuple[Text, Text]]:
    """Return heading and text of the three steps, as this batch goes."""
    return [
        (SIGN_IN, WITH_CODE if poster.capture_code else WITHOUT_CODE),
        (SHOOT, HOW_TO_SHOOT),
        (RESULT, REFUNDED if poster.refunds_rejected else RETAKE),
    ]


def _steps(canvas: Canvas, poster: Poster, locale: str) -> None:
    top, gap = 66 * mm, 5 * mm
    width = (WIDTH - 2 * MARGIN - 2 * gap) / 3
    height = 46 * mm
    steps = [(head.get(locale), body.get(locale)) for head, body in _wording(poster)]
    size = min(fitted_size(h, font_name(BOLD), 15, width - 23 * mm, 9) for h, _ in steps)
    for number, (head, body) in enumerate(steps, 1):
        x = MARGIN + (number - 1) * (width + gap)
        _box(canvas, x, top - height, width, height, PAPER, radius=3 * mm)
        _step_head(canvas, number, head, size, x + 6 * mm, top - 11 * mm)
        canvas.setFillColorRGB(*MUTED)
        canvas.setFont(font_name(REGULAR), 11)
        for row, line in enumerate(wrap(body, font_name(REGULAR), 11, width - 12 * mm)):
            canvas.drawString(x + 6 * mm, top - 24 * mm - row * 16.5, line)


def _step_head(canvas: Canvas, number: int, head: str, size: float, x: float, y: float) -> None:
    """Draw the numbered disc and the heading, both centred on the height y."""
    canvas.setFillColorRGB(*BLUE)
    canvas.circle(x + 4.2 * mm, y, 4.2 * mm, stroke=0, fill=1)
    canvas.setFillColorRGB(*WHITE)
    canvas.setFont(font_name(BLACK), 13)
    canvas.drawCentredString(x + 4.2 * mm, y - 4.7, str(number))
    canvas.setFillColorRGB(*INK)
    canvas.setFont(font_name(BOLD), size)
    canvas.drawString(x + 11 * mm, y - size * 0.36, head)


def _centred(canvas: Canvas, text: str, weight: int, size: float, y: float, colour: Colour) -> None:
    canvas.setFillColorRGB(*colour)
    canvas.setFont(font_name(weight), size)
    canvas.drawCentredString(WIDTH / 2, y, text)


def _box(
    canvas: Any,
    x: float,
    y: float,
    width: float,
    height: float,
    fill: Colour,
    *,
    outline: Colour | None = None,
    radius: float = 0,
) -> None:
    canvas.setFillColorRGB(*fill)
    if outline:
        canvas.setStrokeColorRGB(*outline)
        canvas.setLineWidth(1.6)
    canvas.roundRect(x, y, width, height, radius, stroke=1 if outline else 0, fill=1)
