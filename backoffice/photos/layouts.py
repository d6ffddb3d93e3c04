"""Print sheets: a finished portrait laid out on photo paper, in exact millimetres.

Sizes: DOMAIN section 5. 1寸 is 25x35 mm; 2寸 is 35x49 or 35x53 mm; 6寸 paper holds either sheet only
with 35x49 prints, and the mixed one leaves no room for captions. The portrait's sides are cropped to
the print's ratio, never stretched.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

from PIL import Image
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from backoffice.fonts.pdf import font_name
from backoffice.i18n import Text

DPI = 300
Size = tuple[float, float]

ONE_INCH: Size = (25, 35)
TWO_INCH: Size = (35, 49)
TWO_INCH_TALL: Size = (35, 53)
PAPERS: dict[str, Size] = {"5寸": (127, 89), "6寸": (152, 102), "7寸": (178, 127)}
_CAPTION_MM = 4.0
_CAPTION_POINTS = 6.5


@dataclass(frozen=True)
class Row:
    """`count` prints of `size` (width, height in mm, upright) side by side; `turned` lays them down."""

    size: Size
    count: int
    turned: bool = False

    def cell(self, caption_mm: float) -> Size:
        """Width and height one print takes up on the paper, its caption band included."""
        width, height = self.size[0], self.size[1] + caption_mm
        return (height, width) if self.turned else (width, height)


@dataclass(frozen=True)
class Layout:
    """A sheet: rows of prints centred on the paper. Lengths in mm; `paper` names an entry of PAPERS."""

    name: str
    title_zh: str
    title_en: str
    paper: str
    rows: tuple[Row, ...]
    gap: float = 1.0
    caption_band: float = 0.0
    cut_lines: bool = True

    @property
    def title(self) -> Text:
        """The title in both languages."""
        return Text(self.title_zh, self.title_en)

    @property
    def paper_size(self) -> Size:
        """Width and height of the paper in mm."""
        return PAPERS[self.paper]

    @property
    def prints(self) -> int:
        """How many prints the sheet holds."""
        return sum(row.count for row in self.rows)

    @property
    def extent(self) -> Size:
        """Width and height in mm that the prints need, gaps included."""
        cells = [(row, row.cell(self.caption_band)) for row in self.rows]
        width = max(cell[0] * row.count + self.gap * (row.count - 1) for row, cell in cells)
        height = sum(cell[1] for _, cell in cells) + self.gap * (len(cells) - 1)
        return width, height

    def __post_init__(self) -> None:
        """Refuse a layout whose prints do not fit on its paper (ValueError)."""
        (need_w, need_h), (have_w, have_h) = self.extent, self.paper_size
        if need_w > have_w or need_h > have_h:
            raise ValueError(
                f"{self.name}: {need_w:g}x{need_h:g} mm do not fit {have_w}x{have_h} mm"
            )


def mixed_sheet(
    name: str, paper: str, two_inch: Size = TWO_INCH, caption_band: float = 0.0
) -> Layout:
    """Return the sheet of four 2寸 and eight 1寸 prints (the small ones lie on their side)."""
    rows = (Row(two_inch, 4), Row(ONE_INCH, 4, turned=True), Row(ONE_INCH, 4, turned=True))
    title_zh = f"1寸×8 + 2寸×4（{paper}相纸，{two_inch[0]:g}×{two_inch[1]:g}）"
    title_en = (
        f"8 small (25x35) + 4 large ({two_inch[0]:g}x{two_inch[1]:g}), {_inches(paper)} paper"
    )
    return Layout(name, title_zh, title_en, paper, rows, caption_band=caption_band)


def grid_sheet(
    name: str, paper: str, size: Size, rows: tuple[int, ...], caption_band: float = 0.0
) -> Layout:
    """Return a sheet of equal prints, `rows` saying how many in each row."""
    inches = "1寸" if size == ONE_INCH else "2寸"
    count = sum(rows)
    title_zh = f"{inches}×{count}（{paper}相纸，{size[0]:g}×{size[1]:g}）"
    title_en = f"{count} prints {size[0]:g}x{size[1]:g}, {_inches(paper)} paper"
    return Layout(
        name,
        title_zh,
        title_en,
        paper,
        tuple(Row(size, n) for n in rows),
        caption_band=caption_band,
    )


def _inches(paper: str) -> str:
    return f"{paper[0]}-inch"


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        mixed_sheet("mixed-8-4", "6寸"),
        grid_sheet("two-inch-8", "6寸", TWO_INCH, (4, 4)),
        grid_sheet("one-inch-8", "5寸", ONE_INCH, (4, 4), _CAPTION_MM),
        mixed_sheet("mixed-8-4-7inch", "7寸", TWO_INCH_TALL, _CAPTION_MM),
        grid_sheet("two-inch-8-7inch", "7寸", TWO_INCH_TALL, (4, 4), _CAPTION_MM),
    )
}


def render_sheet(jpeg: bytes, layout: Layout, caption: str | None = None) -> bytes:
    """Return a one-page PDF of the paper's exact size with the prints at 300 dpi.

    caption: e.g. 姓名 and 学号; printed below each print where the layout has a band, cut to fit.
    The same input gives the same bytes.
    """
    with Image.open(io.BytesIO(jpeg)) as opened:
        portrait = opened.convert("RGB")
    width, height = layout.paper_size
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(width * mm, height * mm), invariant=True)
    canvas.setTitle(layout.name)
    readers: dict[Size, ImageReader] = {}
    for row, left, bottom in _places(layout):
        if row.size not in readers:
            readers[row.size] = ImageReader(fit(portrait, row.size))
        canvas.saveState()
        if row.turned:  # the print's foot points to the right edge of its cell
            canvas.translate((left + row.cell(layout.caption_band)[0]) * mm, bottom * mm)
            canvas.rotate(90)
        else:
            canvas.translate(left * mm, bottom * mm)
        _draw_print(canvas, readers[row.size], row.size, layout, caption)
        canvas.restoreState()
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def fit(portrait: Image.Image, size: Size) -> Image.Image:
    """Return the portrait cropped to the ratio of `size` (mm) and scaled to 300 dpi.

    Too wide: both sides are cropped alike. Too tall: the foot is cropped, the head stays.
    """
    pixels = tuple(round(length / 25.4 * DPI) for length in size)
    ratio = pixels[0] / pixels[1]
    width, height = portrait.size
    if width / height > ratio:
        keep = height * ratio
        box = ((width - keep) / 2, 0.0, (width + keep) / 2, float(height))
    else:
        box = (0.0, 0.0, float(width), width / ratio)
    return portrait.resize((pixels[0], pixels[1]), Image.Resampling.LANCZOS, box=box)


def _places(layout: Layout) -> list[tuple[Row, float, float]]:
    """Return row, left and bottom (mm from the paper's lower left corner) of every print."""
    paper_w, paper_h = layout.paper_size
    top = (paper_h + layout.extent[1]) / 2
    places: list[tuple[Row, float, float]] = []
    for row in layout.rows:
        cell_w, cell_h = row.cell(layout.caption_band)
        left = (paper_w - cell_w * row.count - layout.gap * (row.count - 1)) / 2
        for number in range(row.count):
            places.append((row, left + number * (cell_w + layout.gap), top - cell_h))
        top -= cell_h + layout.gap
    return places


def _draw_print(
    canvas: Canvas, picture: ImageReader, size: Size, layout: Layout, caption: str | None
) -> None:
    """Draw one upright print with its lower left corner (band included) at the origin."""
    width, height, band = size[0], size[1], layout.caption_band
    canvas.drawImage(picture, 0, band * mm, width * mm, height * mm)
    if layout.cut_lines:
        canvas.setLineWidth(0.2)
        canvas.setStrokeGray(0.6)
        canvas.rect(0, 0, width * mm, (height + band) * mm, stroke=1, fill=0)
    if caption and band:
        font = font_name()
        points = _fitting_points(canvas, caption, font, (width - 1) * mm)
        canvas.setFillGray(0)
        canvas.setFont(font, points)
        canvas.drawCentredString(width / 2 * mm, (band * mm - points * 0.7) / 2, caption)


def _fitting_points(canvas: Canvas, caption: str, font: str, room: float) -> float:
    """Return the largest type size, at most 6.5 points, at which the caption fits in `room`."""
    needed = float(canvas.stringWidth(caption, font, _CAPTION_POINTS))
    if needed <= room:
        return _CAPTION_POINTS
    return math.floor(_CAPTION_POINTS * room / needed * 10) / 10
