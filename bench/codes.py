"""Printing personal codes: the class sheets against the issue's pace and against bare qrcode."""

from __future__ import annotations

import io
import os
import time
import uuid

import qrcode
from qrcode.image.pil import PilImage

from backoffice.batches.class_sheets import PersonalCode, SheetHeading, render_class_sheets
from backoffice.batches.personal_tokens import issue_personal_token
from backoffice.batches.qr import personal_url
from backoffice.settings import Settings
from bench.table import Row

PEOPLE = int(os.environ.get("BENCH_CODES", "10000"))
BARE = 200  # codes drawn by the reference between two rounds; its pace is the same for any number
PER_CLASS = 40
GOAL_A_MINUTE = 1_000  # the issue: 1,000 QR pages a minute or better


def run(settings: Settings) -> list[Row]:
    """Measure one run of PEOPLE codes, the reference before and after it."""
    from pypdfium2 import PdfDocument

    codes = _people(settings)
    bare = _bare_seconds(codes[:BARE])
    began = time.process_time()
    data = render_class_sheets(SheetHeading("示例大学", "2027届毕业生", "Z3K8F7"), codes)
    seconds = time.process_time() - began
    bare = (bare + _bare_seconds(codes[-BARE:])) / 2
    pages = len(PdfDocument(data))
    detail = f"{PEOPLE:,} codes, {pages} A4 pages, {len(data) / 1e6:.1f} MB in one run"
    return [
        Row(
            "QR pages a minute",
            pages / seconds * 60 / GOAL_A_MINUTE,
            1.0,
            "higher",
            f"{GOAL_A_MINUTE:,} pages a minute",
            f"{detail}; 21 codes a page, processor time of one core",
        ),
        Row(
            "personal codes on sheets",
            (seconds / PEOPLE) / (bare / BARE),
            0.2,
            "lower",
            "qrcode drawing the same codes as PNG, nothing else",
            "time per code, with name, number, page and PDF",
        ),
    ]


def _people(settings: Settings) -> list[PersonalCode]:
    signing = Settings(secret_key=settings.secret_key or "bench")
    return [
        PersonalCode(
            f"{number // PER_CLASS:03}班",
            f"2023{number:06}",
            "吴小兰",
            personal_url(
                "https://photo.example.edu.cn",
                "Z3K8F7",
                issue_personal_token(signing, "Z3K8F7", uuid.UUID(int=number)),
            ),
        )
        for number in range(PEOPLE)
    ]


def _bare_seconds(codes: list[PersonalCode]) -> float:
    began = time.process_time()
    for person in codes:
        code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M)
        code.add_data(person.url)
        code.make_image(image_factory=PilImage).save(io.BytesIO())
    return time.process_time() - began
