"""Per-class sheets of personal codes: printed, cut along the lines, handed to each student."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from backoffice.batches.page_text import fitted_size, shorten, wrap
from backoffice.batches.progress import Progress, no_progress
from backoffice.batches.qr import QUIET_ZONE, draw_matrix_as_mask, quick_matrix
from backoffice.fonts.pdf import BOLD, REGULAR, font_name
from backoffice.i18n import DEFAULT_LOCALE, Text

COLUMNS, ROWS = 3, 7
PER_PAGE = COLUMNS * ROWS
WIDTH, HEIGHT = A4
SIDE_MARGIN, BOTTOM_MARGIN = 12 * mm, 14 * mm
CELL_WIDTH = (WIDTH - 2 * SIDE_MARGIN) / COLUMNS
CELL_HEIGHT = 35 * mm
QR_SIDE = 32 * mm  # with its quiet zone
GRID_TOP = BOTTOM_MARGIN + ROWS * CELL_HEIGHT
INK, MUTED, LINE = (0.09, 0.13, 0.20), (0.37, 0.42, 0.50), (0.65, 0.69, 0.75)

NO_CLASS = Text("未填班级", "No class given")
TITLE = Text("个人采集码", "Personal codes")
COUNT = Text("{count} 人 · 第 {page}/{pages} 页", "Students: {count} · page {page}/{pages}")
USE = Text(
    "沿虚线裁开发给本人；扫码进入本人采集页面。特征码 {code}",
    "Cut along the lines, hand out; each code opens the student's own page. Feature code {code}",
)
NOBODY = Text("本批次还没有名单。", "This batch has no students yet.")


@dataclass(frozen=True, repr=False)
class PersonalCode:
    """One student's code: the name as the caller chooses to show it, the address of the QR code."""

    class_name: str
    student_no: str
    name: str
    url: str
    college: str = ""

    def __repr__(self) -> str:  # names stay out of logs
        return "PersonalCode(...)"


@dataclass(frozen=True)
class SheetHeading:
    """What stands above every class."""

    school: str
    batch: str
    feature_code: str


def render_class_sheets(
    heading: SheetHeading,
    codes: Iterable[PersonalCode],
    locale: str = DEFAULT_LOCALE,
    progress: Progress = no_progress,
) -> bytes:
    """Return an A4 PDF: 21 codes a page, each class on pages of its own, in student number order.

    10,000 codes are about 500 pages. Without any codes it is one page that says so. progress is
    told after every page how many codes are drawn, of how many.
    """
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, lang="en" if locale == "en" else "zh-CN", pageCompression=1)
    canvas.setTitle(f"{heading.batch} {TITLE.get(locale)} {heading.feature_code}")
    ordered = sorted(codes, key=lambda c: (*_class_of(c), c.student_no))
    drawn = 0
    for _, group in groupby(ordered, key=_class_of):
        of_class = list(group)
        for count in _class(canvas, heading, of_class, locale):
            drawn += count
            progress(drawn, len(ordered))
    if not ordered:
        canvas.setFont(font_name(REGULAR), 14)
        canvas.drawCentredString(WIDTH / 2, HEIGHT / 2, NOBODY.get(locale))
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _class_of(code: PersonalCode) -> tuple[bool, str, bool, str]:
    """Classes of one name in two colleges are two classes; the nameless come last."""
    return not code.college, code.college, not code.class_name, code.class_name


def _class(
    canvas: Canvas, heading: SheetHeading, codes: Sequence[PersonalCode], locale: str
) -> Iterator[int]:
    """Draw one class and yield after every page how many codes it holds."""
    title = codes[0].class_name or NO_CLASS.get(locale)
    college = codes[0].college
    pages = -(-len(codes) // PER_PAGE)
    canvas.bookmarkPage(f"class-{canvas.getPageNumber()}")
    outline = f"{college} {title}" if college else title
    canvas.addOutlineEntry(outline, f"class-{canvas.getPageNumber()}")
    for page in range(pages):
        count = COUNT.get(locale, count=len(codes), page=page + 1, pages=pages)
        _head(canvas, heading, title, college, count, locale)
        _cut_lines(canvas)
        on_page = codes[page * PER_PAGE : (page + 1) * PER_PAGE]
        for place, code in enumerate(on_page):
            row, column = divmod(place, COLUMNS)
            x = SIDE_MARGIN + column * CELL_WIDTH
            _cell(canvas, code, x, GRID_TOP - (row + 1) * CELL_HEIGHT)
        canvas.showPage()
        yield len(on_page)


def _head(
    canvas: Canvas, heading: SheetHeading, title: str, college: str, count: str, locale: str
) -> None:
    width = WIDTH - 2 * SIDE_MARGIN
    canvas.setFillColorRGB(*INK)
    title = shorten(title, font_name(BOLD), 20, width - 62 * mm)
    canvas.setFont(font_name(BOLD), 20)
    canvas.drawString(SIDE_MARGIN, HEIGHT - 19 * mm, title)
    canvas.setFillColorRGB(*MUTED)
    canvas.setFont(font_name(REGULAR), 10)
    canvas.drawRightString(WIDTH - SIDE_MARGIN, HEIGHT - 19 * mm, count)
    source = " · ".join(part for part in (heading.school, college, heading.batch) if part)
    canvas.drawString(SIDE_MARGIN, HEIGHT - 26 * mm, shorten(source, font_name(REGULAR), 10, width))
    use = USE.get(locale, code=heading.feature_code)
    canvas.setFont(font_name(REGULAR), 9)
    canvas.drawString(SIDE_MARGIN, HEIGHT - 32 * mm, shorten(use, font_name(REGULAR), 9, width))


def _cut_lines(canvas: Canvas) -> None:
    canvas.saveState()
    canvas.setStrokeColorRGB(*LINE)
    canvas.setLineWidth(0.5)
    canvas.setDash(2, 2)
    for column in range(COLUMNS + 1):
        x = SIDE_MARGIN + column * CELL_WIDTH
        canvas.line(x, BOTTOM_MARGIN, x, GRID_TOP)
    for row in range(ROWS + 1):
        y = BOTTOM_MARGIN + row * CELL_HEIGHT
        canvas.line(SIDE_MARGIN, y, WIDTH - SIDE_MARGIN, y)
    canvas.restoreState()


def _cell(canvas: Canvas, code: PersonalCode, x: float, y: float) -> None:
    matrix = quick_matrix(code.url)
    module = QR_SIDE / (len(matrix) + 2 * QUIET_ZONE)
    bottom = y + (CELL_HEIGHT - QR_SIDE) / 2 + QUIET_ZONE * module
    draw_matrix_as_mask(canvas, matrix, x + (QUIET_ZONE + 1) * module, bottom, len(matrix) * module)
    left = x + QR_SIDE + module
    width = CELL_WIDTH - (left - x) - 2 * mm
    canvas.setFillColorRGB(*INK)
    font = font_name(BOLD)
    size = fitted_size(code.name, font, 14, width, 10)
    lines = wrap(code.name, font, size, width)
    if len(lines) > 2:
        lines = [lines[0], shorten("".join(lines[1:]), font, size, width)]
    canvas.setFont(font, size)
    for number, line in enumerate(reversed(lines)):
        line = shorten(line, font, size, width)
        canvas.drawString(left, y + 20 * mm + number * size * 1.25, line)
    size = fitted_size(code.student_no, font_name(REGULAR), 10, width, 6)
    canvas.setFillColorRGB(*MUTED)
    canvas.setFont(font_name(REGULAR), size)
    student_no = shorten(code.student_no, font_name(REGULAR), size, width)
    canvas.drawString(left, y + 14 * mm, student_no)
