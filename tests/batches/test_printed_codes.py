"""What is printed is rendered and scanned here: pictures, poster, class sheets."""

from __future__ import annotations

import io
import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from backoffice.batches.class_sheets import PersonalCode, SheetHeading, render_class_sheets
from backoffice.batches.page_text import NOT_FIRST, fitted_size, shorten, wrap
from backoffice.batches.personal_tokens import issue_personal_token
from backoffice.batches.poster import Poster, render_poster
from backoffice.batches.qr import (
    batch_matrix,
    batch_qr_png,
    batch_qr_svg,
    batch_url,
    draw_matrix,
    draw_matrix_as_mask,
    personal_url,
    quick_matrix,
)
from backoffice.fonts.pdf import font_name
from backoffice.settings import Settings

URL = "https://photo.example.edu.cn/s/Z3K8F7"
POSTER = Poster(
    school="示例大学",
    batch="2027届本科毕业生图像采集（东校区）",
    feature_code="Z3K8F7",
    url=URL,
    opens_at=datetime(2027, 2, 28, 23, 0, tzinfo=UTC),
    closes_at=datetime(2027, 4, 15, 10, 0, tzinfo=UTC),
)
HEADING = SheetHeading("示例大学", "2027届毕业生", "Z3K8F7")


def scanned(picture: Image.Image) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(picture)]


def page(data: bytes, number: int = 0, scale: float = 2) -> Image.Image:
    return pypdfium2.PdfDocument(data)[number].render(scale=scale).to_pil()


def words(data: bytes, number: int = 0) -> str:
    text = pypdfium2.PdfDocument(data)[number].get_textpage().get_text_range()
    return text.replace("\r\n", "\n")


def test_addresses():
    assert batch_url("http://127.0.0.1:8000/", "Z3K8F7") == "http://127.0.0.1:8000/s/Z3K8F7"
    assert personal_url("http://h", "Z3K8F7", "a.b-_") == "http://h/s/Z3K8F7?p=a.b-_"
    assert personal_url("http://h", "A/B", "x&y") == "http://h/s/A%2FB?p=x%26y"


def test_png_is_read_at_level_h_with_its_quiet_zone():
    picture = Image.open(io.BytesIO(batch_qr_png(URL))).convert("L")
    found = zxingcpp.read_barcodes(picture)
    assert [(c.text, c.ec_level) for c in found] == [(URL, "H")]
    inside = picture.point(lambda v: 255 - v).getbbox()
    assert inside == (80, 80, picture.width - 80, picture.height - 80)


def test_png_survives_a_torn_corner_and_a_sticker():
    picture = Image.open(io.BytesIO(batch_qr_png(URL))).convert("L")
    side = picture.width // 5
    picture.paste(
        200,
        (
            picture.width // 2,
            picture.width // 2,
            picture.width // 2 + side,
            picture.width // 2 + side,
        ),
    )
    assert scanned(picture) == [URL]


def test_svg_holds_the_same_modules_on_white():
    svg = batch_qr_svg(URL).decode()
    assert svg.index("#fff") < svg.index("<path")
    size = float(re.search(r'viewBox="0 0 (\d+)', svg)[1])
    matrix = batch_matrix(URL)
    unit = size / (len(matrix) + 8)
    drawn = {
        (round(float(y) / unit) - 4, round(float(x) / unit) - 4)
        for x, y in re.findall(r"M([\d.]+),([\d.]+)H", svg)
    }
    assert drawn == {(r, c) for r, row in enumerate(matrix) for c, dark in enumerate(row) if dark}


@pytest.mark.parametrize("draw", [draw_matrix, draw_matrix_as_mask])
@pytest.mark.parametrize("text", [URL, URL + "?p=" + "x" * 66, "A", "特征码"])
def test_both_ways_of_drawing_give_the_same_readable_code(draw, text):
    matrix = quick_matrix(text)
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(200, 200))
    canvas.setFillColorRGB(1, 0, 0)
    draw(canvas, matrix, 25, 25, 150)
    canvas.rect(0, 0, 5, 5, stroke=0, fill=1)
    canvas.save()
    picture = page(out.getvalue())
    assert scanned(picture) == [text]
    assert picture.convert("RGB").getpixel((3, picture.height - 4)) == (255, 0, 0)
    n = len(matrix)
    for row in range(0, n, 3):
        for column in range(0, n, 3):
            spot = (50 + int((column + 0.5) * 300 / n), 50 + int((row + 0.5) * 300 / n))
            assert (picture.convert("L").getpixel(spot) < 128) is matrix[row][column]


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("scale", [0.7, 2, 4])
def test_poster_is_one_a4_page_whose_code_scans(locale, scale):
    data = render_poster(POSTER, locale)
    document = pypdfium2.PdfDocument(data)
    assert len(document) == 1
    assert document[0].get_size() == pytest.approx((595.28, 841.89), abs=0.01)
    assert scanned(page(data, scale=scale)) == [URL]


def test_poster_says_what_it_must():
    text = words(render_poster(POSTER))
    for part in (
        "示例大学",
        "毕业证件照采集",
        "2027届本科毕业生图像采集（东校区）",
        "2027年3月1日 07:00 至 4月15日 18:00",
        "Z3K8F7",
        URL,
        "扫码登记",
        "手机拍照",
        "审核领取",
    ):
        assert part in text
    english = words(render_poster(POSTER, "en"))
    for part in (
        "Graduation ID photo",
        "01 Mar 2027, 07:00",
        "15 Apr 2027, 18:00",
        "Take the photo",
    ):
        assert part in english


def test_poster_of_another_kind_and_year():
    freshman = replace(
        POSTER, freshman=True, capture_code=False, closes_at=datetime(2028, 1, 5, tzinfo=UTC)
    )
    text = words(render_poster(freshman))
    assert "新生证件照采集" in text
    assert "图像采集码" not in text
    assert "至 2028年1月5日 08:00" in text


def test_poster_with_the_longest_names_stays_on_the_page():
    long = replace(
        POSTER, school="很长的学校名称" * 12, batch="很长的批次" * 20, feature_code="WWWWWWWW",
        url="https://a-very-long-host-name.photo.collection.example.edu.cn/some/prefix/s/WWWWWWWW",
    )  # fmt: skip
    data = render_poster(long)
    assert scanned(page(data)) == [long.url]
    picture = page(data).convert("L")
    strip = picture.crop((0, 400, 60, picture.height))  # margin beside the code and the steps
    assert strip.getextrema() == (255, 255)


def codes(count: int, class_name: str, start: int = 0) -> list[PersonalCode]:
    settings = Settings(secret_key="s")
    return [
        PersonalCode(
            class_name,
            f"2023{start + n:06}",
            ["吴小兰", "阿卜杜拉·买买提江", "𠮷田", "Johnathan Alexander Smithson"][n % 4],
            personal_url(
                "https://photo.example.edu.cn",
                "Z3K8F7",
                issue_personal_token(settings, "Z3K8F7", uuid.UUID(int=start + n)),
            ),
        )
        for n in range(count)
    ]


def test_class_sheets_hold_every_code_once_by_class():
    people = codes(25, "二班", 100) + codes(22, "一班") + codes(1, "", 300)
    data = render_class_sheets(HEADING, reversed(people))
    document = pypdfium2.PdfDocument(data)
    assert len(document) == 5  # 2 + 2 + 1
    texts = [words(data, n) for n in range(5)]
    assert [t.split()[0] for t in texts] == ["一班", "一班", "二班", "二班", "未填班级"]
    assert "22 人 · 第 1/2 页" in texts[0]
    found = [text for n in range(5) for text in scanned(page(data, n))]
    assert sorted(found) == sorted(p.url for p in people)
    assert all(p.student_no in "".join(texts) for p in people)


def test_each_code_stands_beside_its_own_student():
    people = codes(21, "一班")
    data = render_class_sheets(HEADING, people)
    by_url = {p.url: p for p in people}
    document = pypdfium2.PdfDocument(data)
    text_page = document[0].get_textpage()
    height = document[0].get_size()[1]
    for code in zxingcpp.read_barcodes(page(data)):
        right = max(code.position.top_right.x, code.position.bottom_right.x) / 2
        top, bottom = code.position.top_left.y / 2, code.position.bottom_left.y / 2
        beside = text_page.get_text_bounded(right, height - bottom, right + 85, height - top)
        assert by_url[code.text].student_no in beside


def test_class_sheets_of_nobody_and_in_english():
    assert "还没有名单" in words(render_class_sheets(HEADING, []))
    english = words(render_class_sheets(HEADING, codes(1, ""), "en"))
    assert "No class given" in english
    assert "Students: 1 · page 1/1" in english


def test_repr_shows_no_name():
    assert "吴小兰" not in repr(codes(1, "一班")[0])


def test_ten_thousand_codes():
    people = [c for n in range(250) for c in codes(40, f"{n:03}班", n * 40)]
    data = render_class_sheets(HEADING, people)
    document = pypdfium2.PdfDocument(data)
    assert len(document) == 500
    assert len(data) < 20_000_000
    assert scanned(page(data, 499)) != []


def test_wrapping_keeps_words_and_marks():
    font, size = font_name(), 10
    text = "核对（姓名），上传 CHSI capture code；按提示完成。"
    for width in range(30, 200, 7):
        lines = wrap(text, font, size, width)
        assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)
        assert all(line[0] not in NOT_FIRST for line in lines)
        assert not any(line.endswith("（") for line in lines)
        assert "capture" in " ".join(lines)
    assert wrap("", font, size, 50) == []
    assert stringWidth(shorten(text, font, size, 60), font, size) <= 60
    assert shorten("短", font, size, 60) == "短"
    assert fitted_size("", font, 12, 10, 5) == 12
