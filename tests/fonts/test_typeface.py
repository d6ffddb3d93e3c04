"""The typeface: outlines and advances against FreeType, text that survives in the PDF."""

from __future__ import annotations

import io

import numpy as np
import pypdfium2
import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.pdfgen.canvas import Canvas

from backoffice.fonts.pdf import font_name, typeface
from backoffice.fonts.sfnt import FACE_SC, font_file

SAMPLE = "毕业照采集吴小兰𠮷《》，·A8gQ&%@éx"
SIZE = 200


def freetype(weight: int, size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(
        str(font_file()), size, index=FACE_SC, layout_engine=ImageFont.Layout.BASIC
    )
    font.set_variation_by_axes([weight])
    return font


def pdf(text: str, weight: int, size: float = SIZE) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(size * 1.5, size * 1.5))
    canvas.setFont(font_name(weight), size)
    canvas.drawString(size * 0.25, size * 0.4, text)
    canvas.save()
    return out.getvalue()


def rendered(data: bytes) -> np.ndarray:
    return np.asarray(pypdfium2.PdfDocument(data)[0].render(scale=1).to_pil().convert("L"))


@pytest.mark.parametrize("weight", [100, 400, 550, 900])
@pytest.mark.parametrize("character", SAMPLE)
def test_every_glyph_looks_as_freetype_draws_it(character, weight):
    ours = rendered(pdf(character, weight))
    theirs = Image.new("L", (ours.shape[1], ours.shape[0]), 255)
    ImageDraw.Draw(theirs).text(
        (SIZE * 0.25, SIZE * 1.1), character, fill=0, font=freetype(weight, SIZE), anchor="ls"
    )
    difference = np.abs(ours.astype(int) - np.asarray(theirs).astype(int)).sum()
    ink = (255 - ours.astype(int)).sum()
    assert ink > 0
    assert difference < 0.12 * ink  # what is left is grey edges: another outline differs fully


@pytest.mark.parametrize("weight", [100, 400, 700, 900])
def test_advances_are_freetypes(weight):
    font = freetype(weight, 1000)
    for character in SAMPLE:
        assert typeface(weight).advance(character) == pytest.approx(
            font.getlength(character), abs=1
        )


def test_text_can_be_searched_across_subsets():
    text = "".join(chr(c) for c in range(0x4E00, 0x4E00 + 600)) + "𠮷"
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(9000, 100))
    canvas.setFont(font_name(), 12)
    canvas.drawString(10, 50, text)
    canvas.showPage()
    canvas.setFont(font_name(), 12)
    canvas.drawString(10, 50, text[::-1])
    canvas.save()
    pages = pypdfium2.PdfDocument(out.getvalue())
    assert pages[0].get_textpage().get_text_range() == text
    assert pages[1].get_textpage().get_text_range() == text[::-1]


def test_two_documents_at_once_do_not_mix():
    outs = [io.BytesIO(), io.BytesIO()]
    canvases = [Canvas(o) for o in outs]
    for canvas, text in zip(canvases * 2, ["一", "二", "三", "四"], strict=True):
        canvas.setFont(font_name(), 20)
        canvas.drawString(50, 50 + 30 * canvases.index(canvas), text)
    for canvas in canvases:
        canvas.save()
    texts = [pypdfium2.PdfDocument(o.getvalue())[0].get_textpage().get_text_range() for o in outs]
    assert texts == ["一三", "二四"]


def test_unknown_characters_draw_a_box_and_do_not_fail():
    assert not typeface().has("\U0010fffd")
    assert rendered(pdf("\U0010fffd", 400)).min() < 128


def test_space_draws_nothing():
    assert rendered(pdf(" ", 400)).min() == 255
