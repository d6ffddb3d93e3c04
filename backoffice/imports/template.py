"""The workbook a school office fills in: headings, text columns, choice lists, instructions."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import openpyxl
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.i18n import Text
from backoffice.identity.documents import ID_TYPE_LABELS
from backoffice.imports.errors import RosterNotUsed
from backoffice.imports.fields import Field
from backoffice.imports.mapping import REQUIRED, template_fields
from backoffice.imports.safe_cells import write_text
from backoffice.models import Batch, Enrolment
from backoffice.models.vocabulary import RosterMode

ROSTER_SHEET = Text("名单", "Roster")
GUIDE_SHEET = Text("填写说明", "Instructions")
LAST_ROW = 20_000  # how far down the choice lists reach
REQUIRED_COLOUR, OPTIONAL_COLOUR = "FFFFE699", "FFDDEBF7"

HINTS: dict[str, Text] = {
    "student_no": Text(
        "必填。每名学生唯一；保留开头的 0。", "Required, unique; keep leading zeros."
    ),
    "name": Text("必填。与证件一致；间隔号用“·”。", "Required, as on the document."),
    "name_masked": Text("必填。如“吴*兰”“吴*”。", "Required, for example 吴*兰."),
    "id_type": Text(
        "选填。留空时按号码自动判断。", "Optional; told from the number when left empty."
    ),
    "id_number": Text(
        "必填。按文本填写：超过 15 位的数字会被 Excel 改掉末尾，且无法恢复。",
        "Required, as text: Excel destroys the end of numbers longer than 15 digits.",
    ),
    "id_last4": Text(
        "必填。如 6629、662X；香港身份证 A123456(3) 填 6(3)。",
        "Required, for example 6629 or 662X; 6(3) for A123456(3).",
    ),
    "gender": Text("选填。男或女。", "Optional, 男 or 女."),
    "birth_date": Text("选填。如 20030517 或 2003-05-17。", "Optional, for example 20030517."),
    "school_code": Text(
        "选填。填写时须与本校代码一致。", "Optional; must be this school's code if given."
    ),
    "enrolled_on": Text("选填。如 20220901。", "Optional, for example 20220901."),
    "graduates_on": Text("选填。如 20260630。", "Optional, for example 20260630."),
    "phone": Text("选填。11 位手机号；境外号码加国家（地区）代码。", "Optional, a mobile number."),
}
OPTIONAL = Text("选填。", "Optional.")
STEPS = (
    Text(
        "1. 在“名单”工作表中每行填写一名学生，不要改动表头；黄色列必填。",
        "1. One student a row on the roster sheet; keep the headings. Yellow columns are required.",
    ),
    Text(
        "2. 号码类的列已设为文本格式；从别处复制时请选“只粘贴值”。",
        "2. Number columns are text; paste values only when copying from elsewhere.",
    ),
    Text(
        "3. 上传后先预览：会逐行指出问题并列出变更，确认之前不写入任何内容。",
        "3. After the upload you see every finding and every change; nothing is written before you "
        "confirm.",
    ),
)


CHOICE_SHEET = Text("选项", "Choices")
LISTED = ("level", "study_form", "college", "major", "class_name")
MAX_CHOICES = 500

# Field name -> the values the batch already has.
Choices = Mapping[str, list[str]]


def batch_template(session: Session, batch: Batch, locale: str = "zh") -> bytes:
    """Return the template of one batch: its mode, its school, the classes it already has.

    Raises RosterNotUsed for a batch without a roster.
    """
    if batch.roster_mode == RosterMode.NONE:
        raise RosterNotUsed
    known: dict[str, list[str]] = {"school_code": [batch.school.code]}
    for name in LISTED:
        column = getattr(Enrolment, name)
        values = select(column).where(Enrolment.batch_id == batch.id, column.is_not(None))
        known[name] = list(session.scalars(values.distinct().order_by(column).limit(MAX_CHOICES)))
    title = f"{batch.school.name} {batch.name}（{batch.feature_code}）"
    return template_workbook(str(batch.roster_mode), locale, title, known)


def template_workbook(
    roster_mode: str, locale: str = "zh", title: str = "", known: Choices | None = None
) -> bytes:
    """Return the .xlsx template of a roster mode (`full` or `minimal`).

    title: what it is for, on the instructions sheet. known: choice lists besides the fixed ones;
    other values may still be written.
    """
    fields = template_fields(roster_mode)
    required = {name for group in REQUIRED[roster_mode] for name in group}
    book = openpyxl.Workbook()
    page = book.active
    _roster_sheet(page, fields, required, locale)
    _guide_sheet(book.create_sheet(), fields, title, locale)
    _offer_choices(book, page, fields, known or {}, locale)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _roster_sheet(page: Any, fields: list[Field], required: set[str], locale: str) -> None:
    page.title = ROSTER_SHEET.get(locale)
    page.freeze_panes = "B2"
    page.row_dimensions[1].height = 24
    for index, item in enumerate(fields, 1):
        letter = get_column_letter(index)
        column = page.column_dimensions[letter]
        column.width = 24 if item.name in ("id_number", "college", "major") else 16
        column.number_format = "@"  # text: digits are kept as typed
        cell = page.cell(1, index)
        write_text(cell, item.title.get(locale))
        colour = REQUIRED_COLOUR if item.name in required else OPTIONAL_COLOUR
        cell.fill = PatternFill("solid", fgColor=colour)
        cell.font = Font(bold=True)
        cell.alignment = Alignment(horizontal="center", vertical="center")


def _choices(name: str, known: Choices) -> list[str]:
    """Return the choice list of a field; empty where anything may be written."""
    if name == "gender":
        return ["男", "女"]
    if name == "id_type":
        return [label.zh for label in ID_TYPE_LABELS.values()]
    return known.get(name, [])


def _offer_choices(book: Any, page: Any, fields: list[Field], known: Choices, locale: str) -> None:
    """Give columns their drop-downs; the values stand on a hidden sheet, however many they are."""
    source = None
    for index, item in enumerate(fields, 1):
        words = _choices(item.name, known)
        if not words:
            continue
        source = source or book.create_sheet(CHOICE_SHEET.get(locale))
        letter = get_column_letter(index)
        for row, text in enumerate(words, 1):
            write_text(source.cell(row, index), text)
        area = f"'{source.title}'!${letter}$1:${letter}${len(words)}"
        # Only 男/女 and the document types are closed lists; a new class may always be written.
        closed = item.name not in known or item.name == "school_code"
        validation = DataValidation(
            type="list", formula1=area, allow_blank=True, showErrorMessage=closed
        )
        validation.add(f"{letter}2:{letter}{LAST_ROW}")
        page.add_data_validation(validation)
    if source is not None:
        source.sheet_state = "hidden"


def _guide_sheet(page: Any, fields: list[Field], title: str, locale: str) -> None:
    page.title = GUIDE_SHEET.get(locale)
    steps = [title, *(step.get(locale) for step in STEPS)]
    for row, text in enumerate(filter(None, steps), 1):
        write_text(page.cell(row, 1), text)
        page.merge_cells(start_row=row, start_column=1, end_row=row, end_column=2)
        page.cell(row, 1).alignment = Alignment(wrap_text=True)
    page.cell(1, 1).font = Font(bold=True)
    head = page.max_row + 2
    for column, (heading, width) in enumerate(
        ((Text("项目", "Item"), 18), (Text("要求", "Rule"), 70)), 1
    ):
        write_text(page.cell(head, column), heading.get(locale))
        page.cell(head, column).font = Font(bold=True)
        page.column_dimensions[get_column_letter(column)].width = width
    for row, item in enumerate(fields, head + 1):
        write_text(page.cell(row, 1), item.title.get(locale))
        write_text(page.cell(row, 2), HINTS.get(item.name, OPTIONAL).get(locale))
        page.cell(row, 2).alignment = Alignment(wrap_text=True)
