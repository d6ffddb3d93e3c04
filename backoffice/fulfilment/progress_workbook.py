"""A batch's progress as a workbook: figures by class, and everybody with their stage.

Names masked, no ID numbers; nothing in it is a formula, whatever the roster holds.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from sqlalchemy.orm import Session

from backoffice.batches.board import Board, Figures, board, everybody
from backoffice.batches.progress import Progress, no_progress
from backoffice.batches.stage_names import STAGE_NAMES
from backoffice.batches.stages import Stage
from backoffice.i18n import DEFAULT_LOCALE, Text
from backoffice.imports.safe_cells import write_text
from backoffice.models import Batch

FIGURES, PEOPLE = Text("进度", "Progress"), Text("名单", "Students")
COLLEGE, CLASS = Text("院系", "College"), Text("班级", "Class")
TOTAL, SHARE = Text("合计", "Total"), Text("完成率", "Finished")
WHOLE = Text("全批次", "Whole batch")
HEADINGS = (
    Text("学号", "Student no."),
    Text("姓名（脱敏）", "Name (masked)"),
    COLLEGE,
    CLASS,
    Text("进度", "Stage"),
    Text("订单号", "Order"),
    Text("时间", "Since"),
)
WIDTHS = (18, 14, 22, 18, 14, 26, 18)
HEAD_FONT, HEAD_FILL = Font(bold=True), PatternFill("solid", fgColor="E2EDF9")
TIME_FORMAT = "yyyy-mm-dd hh:mm"


def progress_workbook(
    session: Session,
    batch: Batch,
    timezone: str,
    locale: str = DEFAULT_LOCALE,
    progress: Progress = no_progress,
) -> bytes:
    """Return the workbook (.xlsx); times are clock times in `timezone`.

    progress is told how many students are written, of how many.
    """
    found = board(session, batch.id)
    book = Workbook(write_only=True)
    heading = f"{batch.school.name} · {batch.name} · {batch.feature_code}"
    _figures_sheet(book, found, heading, locale)
    total, zone = found.whole.total, ZoneInfo(timezone)
    sheet = _sheet(book, PEOPLE.get(locale), WIDTHS)
    sheet.append(_header(sheet, [text.get(locale) for text in HEADINGS]))
    for done, person in enumerate(list(everybody(session, batch.id)), 1):
        sheet.append(
            [
                *_texts(
                    sheet,
                    (
                        person.student_no,
                        person.name_masked,
                        person.college,
                        person.class_name,
                        STAGE_NAMES[person.stage].get(locale),
                        person.order_number or "",
                    ),
                ),
                _time(sheet, person.since, zone),
            ]
        )
        if done % 100 == 0:
            progress(min(done, total), total)
    progress(total, total)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _figures_sheet(book: Any, found: Board, heading: str, locale: str) -> None:
    sheet = _sheet(book, FIGURES.get(locale), (24, 18, *(11 for _ in Stage), 10, 10), frozen="C4")
    sheet.append([_bold(sheet, heading)])
    sheet.append([])
    names = [STAGE_NAMES[stage].get(locale) for stage in Stage]
    sheet.append(
        _header(
            sheet,
            [COLLEGE.get(locale), CLASS.get(locale), *names, TOTAL.get(locale), SHARE.get(locale)],
        )
    )
    for ref, figures in found.classes.items():
        sheet.append([*_texts(sheet, (ref.college, ref.class_name)), *_numbers(sheet, figures)])
    sheet.append([_bold(sheet, WHOLE.get(locale)), None, *_numbers(sheet, found.whole)])


def _numbers(sheet: Any, figures: Figures) -> list[Any]:
    share = WriteOnlyCell(sheet, round(figures.share(Stage.FINISHED), 4))
    share.number_format = "0.0%"
    return [*(figures.counts[stage] for stage in Stage), figures.total, share]


def _sheet(book: Any, title: str, widths: Iterable[int], frozen: str = "A2") -> Any:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = frozen
    for number, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    return sheet


def _header(sheet: Any, names: Iterable[str]) -> list[Any]:
    cells = _texts(sheet, names)
    for cell in cells:
        cell.font, cell.fill, cell.alignment = HEAD_FONT, HEAD_FILL, Alignment(vertical="center")
    return cells


def _texts(sheet: Any, values: Iterable[str]) -> list[Any]:
    cells = []
    for value in values:
        cell = WriteOnlyCell(sheet)
        write_text(cell, value)
        cells.append(cell)
    return cells


def _bold(sheet: Any, value: str) -> Any:
    (cell,) = _texts(sheet, [value])
    cell.font = HEAD_FONT
    return cell


def _time(sheet: Any, moment: datetime | None, zone: ZoneInfo) -> Any:
    if moment is None:
        return None
    cell = WriteOnlyCell(sheet, moment.astimezone(zone).replace(tzinfo=None))
    cell.number_format = TIME_FORMAT
    return cell
