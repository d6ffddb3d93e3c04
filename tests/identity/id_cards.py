"""Made-up resident ID cards, drawn here, and what a phone does to a picture of one.

The people do not exist; the numbers have a valid check character. The layout follows the published
proportions of the card (85.6 x 54 mm); there is no portrait, only a grey silhouette.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from backoffice.fonts.sfnt import FACE_SC, font_file
from backoffice.identity.check_characters import resident_check_character

RGB = NDArray[np.uint8]
CARD = (1712, 1080)  # 20 px per millimetre
LABEL_COLOUR, INK = (52, 110, 160), (25, 25, 28)


@dataclass(frozen=True)
class Person:
    """What the card says. `number` decides birth date and gender unless the others lie."""

    name: str
    number: str
    nation: str = "汉"
    address: str = "上海市黄浦区示例路 128 弄 6 号 1203 室"
    gender: str = ""
    birth: str = ""

    @property
    def shown_gender(self) -> str:
        return self.gender or ("男" if int(self.number[16]) % 2 else "女")

    @property
    def shown_birth(self) -> str:
        return self.birth or self.number[6:14]


def number_of(region: str, birth: str, serial: int) -> str:
    body = f"{region}{birth}{serial:03d}"
    return body + resident_check_character(body)


PEOPLE = (
    Person("吴小兰", number_of("310101", "20030915", 248)),
    Person("欧阳思远", number_of("440305", "19991203", 131), address="广东省深圳市南山区样例街道科苑路 9 号 3 栋 21 楼 2104"),
    Person("阿卜杜热合曼·买买提", number_of("653101", "20010731", 517), "维吾尔", "新疆喀什市样例乡 3 村 2 组 18 号"),
    Person("李明", number_of("110105", "20020228", 2), address="北京市朝阳区样例胡同 7 号院 2 号楼 5 单元 601 号"),
    Person("王骉", number_of("610113", "20050106", 33), address="陕西省西安市雁塔区样例路 55 号"),
    Person("张翀", number_of("420106", "20041111", 60), "土家", "湖北省武汉市武昌区样例大道 299 号梅园 4 舍 317"),
)  # fmt: skip


@lru_cache
def font(size: int, weight: bytes = b"Medium") -> ImageFont.FreeTypeFont:
    """The product's own typeface."""
    face = ImageFont.truetype(str(font_file()), size, index=FACE_SC)
    face.set_variation_by_name(weight)
    return face


def draw_card(person: Person, *, numbered: bool = True) -> Image.Image:
    """Return the front of the card, upright. `numbered=False` leaves the number away."""
    card = Image.new("RGB", CARD, (222, 232, 238))
    pen = ImageDraw.Draw(card)
    for x in range(-1080, 1712, 34):  # a faint guilloche, so that the ground is not empty
        pen.line([(x, 0), (x + 1080, 1080)], fill=(206, 221, 232), width=3)
    label, text, digits = font(50, b"Regular"), font(62), font(72)

    def both(y: int, name: str, value: str, x: int = 130) -> None:
        pen.text((x, y + 8), name, LABEL_COLOUR, label)
        pen.text((x + 50 * len(name) + 50, y), value, INK, text)

    both(110, "姓名", person.name)
    both(240, "性别", person.shown_gender)
    both(240, "民族", person.nation, 500)
    birth = person.shown_birth
    pen.text((130, 378), "出生", LABEL_COLOUR, label)
    for x, value, unit in ((290, birth[:4], "年"), (510, str(int(birth[4:6])), "月"), (680, str(int(birth[6:])), "日")):  # fmt: skip
        pen.text((x, 370), value, INK, text)
        pen.text((x + 150 if unit == "年" else x + 90, 378), unit, LABEL_COLOUR, label)
    pen.text((130, 508), "住址", LABEL_COLOUR, label)
    for row, line in enumerate(_lines(person.address, text, 760)):
        pen.text((280, 500 + row * 92), line, INK, text)
    pen.ellipse((1250, 190, 1500, 500), fill=(150, 156, 160))
    pen.rounded_rectangle((1150, 520, 1600, 800), 90, fill=(150, 156, 160))
    pen.text((130, 890), "公民身份号码", LABEL_COLOUR, label)
    if numbered:
        for place, digit in enumerate(person.number):
            pen.text((580 + place * 54, 876), digit, INK, digits)
    return card


def draw_back() -> Image.Image:
    """Return the back: the state's name, the issuer and the validity."""
    card = Image.new("RGB", CARD, (226, 232, 226))
    pen = ImageDraw.Draw(card)
    pen.text((560, 170), "中华人民共和国", INK, font(96))
    pen.text((540, 330), "居 民 身 份 证", INK, font(120))
    pen.text((420, 770), "签发机关", LABEL_COLOUR, font(50))
    pen.text((680, 760), "上海市公安局样例分局", INK, font(62))
    pen.text((420, 890), "有效期限", LABEL_COLOUR, font(50))
    pen.text((680, 880), "2019.08.01-2029.08.01", INK, font(62))
    return card


def draw_passport(person: Person) -> Image.Image:
    """Return the data page of a made-up passport."""
    page = Image.new("RGB", (1600, 1130), (236, 230, 220))
    pen = ImageDraw.Draw(page)
    pen.text((90, 60), "中华人民共和国  PEOPLE'S REPUBLIC OF CHINA", INK, font(52))
    pen.text((90, 160), "护照 PASSPORT      P    CHN    E00000000", INK, font(52))
    pen.text((560, 300), f"姓名/Name  {person.name}", INK, font(52))
    pen.text((560, 420), "国籍/Nationality  中国/CHINESE", INK, font(52))
    mono = font(50)
    for row, line in enumerate(("POCHNWU<<XIAOLAN<<<<<<<<<<<<<<<<<<<<<<<<", "E000000000CHN0309158F2908010<<<<<<<<<<<<<<04")):  # fmt: skip
        pen.text((60, 930 + 80 * row), line, INK, mono)
    return page


def on_table(
    card: Image.Image, *, side: int = 1600, share: float = 0.8, clutter: bool = False
) -> RGB:
    """Lay the card on a brown table in a 4:3 picture, `share` of its width."""
    height = side * 3 // 4
    table = Image.new("RGB", (side, height), (118, 92, 70))
    pen = ImageDraw.Draw(table)
    for y in range(0, height, 23):
        pen.line([(0, y), (side, y + 9)], fill=(108, 84, 64), width=5)
    if clutter:
        pen.rectangle((0, 0, side, height // 9), fill=(245, 245, 240))
        pen.text(
            (30, 20), "毕业生图像采集通知 2027 届 联系电话 010-12345678", INK, font(side // 32)
        )
        pen.rectangle((0, height * 9 // 10, side, height), fill=(240, 240, 245))
        pen.text(
            (30, height * 9 // 10 + 20),
            "Campus Card 学号 2023010123456789 一卡通",
            INK,
            font(side // 34),
        )
    width = int(side * share)
    size = (width, width * card.height // card.width)
    table.paste(card.resize(size, Image.Resampling.LANCZOS), ((side - size[0]) // 2, (height - size[1]) // 2))  # fmt: skip
    return np.asarray(table)


def _turned(picture: RGB, degrees: float) -> RGB:
    image = Image.fromarray(picture).rotate(
        degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(118, 92, 70)
    )
    return np.asarray(image)


def _perspective(picture: RGB, share: float) -> RGB:
    height, width = picture.shape[:2]
    inset = share * width
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    target = np.array([[inset, inset * 0.6], [width - inset * 0.3, 0], [width, height], [0, height - inset * 0.4]], np.float32)  # fmt: skip
    matrix = cv2.getPerspectiveTransform(source, target)
    return cv2.warpPerspective(picture, matrix, (width, height), flags=cv2.INTER_AREA, borderValue=(118, 92, 70))  # fmt: skip


def _glare(picture: RGB) -> RGB:
    """A bright lamp over the middle of the card, away from the number as a careful person holds it."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    spot = np.exp(-(((x - width * 0.62) / (width * 0.13)) ** 2 + ((y - height * 0.45) / (height * 0.16)) ** 2))  # fmt: skip
    return np.clip(picture + 190 * spot[..., None], 0, 255).astype(np.uint8)


def _dark(picture: RGB) -> RGB:
    noise = np.random.default_rng(7).normal(0, 4, picture.shape)
    return np.clip(picture * 0.22 + noise, 0, 255).astype(np.uint8)


def _jpeg(picture: RGB, quality: int) -> RGB:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(io.BytesIO(out.getvalue())).convert("RGB"))


def _blurred(picture: RGB, sigma: float) -> RGB:
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(sigma)))


# FEASIBILITY section 7: the conditions of the benchmark.
CONDITIONS: dict[str, Callable[[Image.Image], RGB]] = {
    "straight": lambda c: on_table(c),
    "turned 90": lambda c: _turned(on_table(c), 90),
    "turned 180": lambda c: _turned(on_table(c), 180),
    "turned 270": lambda c: _turned(on_table(c), 270),
    "tilted 7": lambda c: _turned(on_table(c, share=0.75), 7),
    "tilted -15": lambda c: _turned(on_table(c, share=0.75), -15),
    "perspective 12 %": lambda c: _perspective(on_table(c), 0.12),
    "blur 3 px": lambda c: _blurred(on_table(c), 3),
    "glare": lambda c: _glare(on_table(c)),
    "dark": lambda c: _dark(on_table(c)),
    "jpeg 20": lambda c: _jpeg(on_table(c), 20),
    "clutter": lambda c: on_table(c, share=0.62, clutter=True),
    "small and turned": lambda c: _turned(on_table(c, side=1200, share=0.55), 94),
}


def lying(person: Person, **claims: str) -> Person:
    """Return the person with a printed birth date or gender the number does not agree with."""
    return replace(person, **claims)


def jpeg(picture: RGB, quality: int = 85) -> bytes:
    """Return the picture as a JPEG file."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=quality)
    return out.getvalue()


def _lines(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for character in text:
        if font.getlength(lines[-1] + character) > width:
            lines.append("")
        lines[-1] += character
    return [line.strip() for line in lines]
