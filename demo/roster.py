"""The school office's workbook: a title above the header, text columns, a note below."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import openpyxl
from openpyxl.styles import Font

from backoffice.demo_data import invented_resident_id

HEADER = ("学号", "姓名", "性别", "身份证号", "院系", "专业", "班级", "学历层次", "手机号")
FIRST_SERIAL = 500  # clear of the demo data's own people
NAMES = ("陈一帆", "李思源", "王小兰", "赵子轩", "周雨桐", "吴梓萱", "郑明", "孙悦")


@dataclass(frozen=True)
class Person:
    """One row of the workbook."""

    student_no: str
    name: str
    id_number: str
    phone: str


def people() -> list[Person]:
    """Return the made-up graduates of the demo."""
    return [
        Person(
            f"2023{index:06d}",
            name,
            invented_resident_id(FIRST_SERIAL + index),
            f"1380000{index:04d}",
        )
        for index, name in enumerate(NAMES, start=1)
    ]


def write_workbook(path: Path, rows: list[Person], *, broken: bool = True) -> None:
    """Write the roster; with `broken`, one more row whose ID number has a wrong check digit."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "毕业生名单"
    sheet.append(["示例大学2027届毕业生名单"])
    sheet["A1"].font = Font(bold=True, size=14)
    sheet.append(HEADER)
    for row in rows:
        gender = "男" if int(row.id_number[16]) % 2 else "女"
        sheet.append(
            [
                row.student_no,
                row.name,
                gender,
                row.id_number,
                "计算机学院",
                "软件工程",
                "软工2301",
                "本科",
                row.phone,
            ]
        )
    if broken:
        good = rows[0].id_number
        wrong = good[:17] + ("0" if good[17] != "0" else "1")
        sheet.append(
            ["2023999999", "错号同学", "", wrong, "计算机学院", "软件工程", "软工2301", "本科", ""]
        )
    book.save(path)
