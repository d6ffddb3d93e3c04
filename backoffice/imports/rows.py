"""The rules of one row and of the rows together (DOMAIN sections 3 and 4)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.identity.characters import compact
from backoffice.identity.documents import (
    Gender,
    IdDocument,
    IdType,
    detect_type,
    resident_check_character,
    validate,
)
from backoffice.identity.errors import InvalidPhone, UnknownIdType
from backoffice.identity.last_four import last_four, last_four_variants
from backoffice.identity.masking import mask_id, mask_name
from backoffice.identity.names import clean_name
from backoffice.identity.phones import normalise_phone
from backoffice.imports.cells import Cell, CellError, Row
from backoffice.imports.fields import BY_NAME
from backoffice.imports.findings import Finding, Severity
from backoffice.imports.table import Table
from backoffice.imports.values import (
    LAST_FOUR,
    STUDENT_NO,
    code_text,
    digits_lost,
    is_number,
    plain_text,
    read_date,
    read_gender,
    read_id_type,
)

TEXT_LIMIT = 100
NAME_LIMIT = 60
TEXT_FIELDS = ("level", "study_kind", "study_form", "college", "major", "class_name")
DATE_FIELDS = ("enrolled_on", "graduates_on")
PERSONAL_FIELDS = ("id_number", "id_type", "gender", "birth_date", "phone")  # not in minimal mode
BAD_NAME = re.compile(r"[0-9０-９@#$%^&+=<>{}\[\]|\\~_;:!?/]")


@dataclass(repr=False)
class RosterRow:
    """One student as the file gives it, clean. `row` is the 1-based sheet row.

    Full mode fills `name` and `id_number`; minimal mode leaves them None and fills
    `name_masked` and `id_last4` only.
    """

    row: int
    student_no: str = ""
    name: str | None = None
    name_masked: str = ""
    document: IdDocument | None = None
    id_masked: str | None = None
    id_last4: str | None = None
    id_last4_variants: list[str] = field(default_factory=list)
    gender: Gender | None = None
    birth_date: date | None = None
    phone: str | None = None
    texts: dict[str, str | None] = field(default_factory=dict)
    dates: dict[str, date | None] = field(default_factory=dict)

    @property
    def student_key(self) -> str:
        """What makes two student numbers the same: letter case does not."""
        return self.student_no.upper()


@dataclass(repr=False)
class CheckedRows:
    """The outcome for one table: rows that may go on, everything found, and the data rows seen."""

    accepted: list[RosterRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    data_rows: int = 0

    @property
    def rejected(self) -> int:
        """The number of data rows an error keeps out."""
        return self.data_rows - len(self.accepted)


def check_rows(
    table: Table,
    roster_mode: str,
    *,
    school_code: str | None = None,
    today: date | None = None,
    progress: Callable[[int], None] | None = None,
) -> CheckedRows:
    """Return the rows of `table` judged by the rules of `roster_mode` (`full` or `minimal`).

    school_code: the batch's school; a row naming another one is rejected. progress: called with
    the number of rows done, every 1,000. Findings come in row order.
    """
    checker = _RowChecker(table, roster_mode, school_code, today)
    checked = CheckedRows(findings=_remarks_on_columns(table, roster_mode))
    judged: list[RosterRow] = []
    for done, (number, cells) in enumerate(table.rows, 1):
        judged.append(checker.check(number, cells))
        if progress and done % 1000 == 0:
            progress(done)
    findings = checker.findings + _lost_zeros(table) + _duplicates(table, judged)
    bad = {found.row for found in findings if found.severity == "error"}
    checked.data_rows = len(table.rows)
    checked.accepted = [row for row in judged if row.row not in bad]
    checked.findings += sorted(findings, key=lambda f: (f.row, f.position or 0))
    return checked


def _remarks_on_columns(table: Table, roster_mode: str) -> list[Finding]:
    """Return the warnings that concern a column or the whole file, placed at the heading."""
    mapping, row = table.mapping, max(table.header_row, 1)

    def warn(name: str, code: str, **params: Any) -> Finding:
        column = mapping.columns[name]
        return Finding(row, mapping.heading(name), code, "warning", column, params)

    found = [warn(n, "column_guessed", title=BY_NAME[n].title.zh) for n in mapping.guessed()]
    if roster_mode == "minimal":
        full = ("name", *PERSONAL_FIELDS)
        found += [warn(name, "column_not_kept") for name in full if name in mapping.columns]
    if table.other_sheets:
        params = {"count": len(table.other_sheets)}
        found.append(Finding(row, "", "other_sheets_ignored", "warning", None, params))
    return found


class _RowChecker:
    """Judges row after row; collects findings."""

    def __init__(
        self, table: Table, roster_mode: str, school_code: str | None, today: date | None
    ) -> None:
        self.table, self.mode = table, roster_mode
        self.school_code, self.today = school_code, today
        self.columns = table.mapping.columns
        self.findings: list[Finding] = []
        self.row = RosterRow(0)
        self.cells: Row = []

    def check(self, number: int, cells: Row) -> RosterRow:
        """Return the clean row; what is wrong with it is added to `findings`."""
        self.row, self.cells = RosterRow(number), cells
        self._student_no()
        self._name()
        if self.mode == "full":
            self._id_number()
            self._person()
        else:
            self._last_four()
        self._study()
        return self.row

    def _cell(self, name: str) -> Cell:
        """Return the cell of a field; None where the column is absent, blank or an error."""
        column = self.columns.get(name)
        if column is None or column >= len(self.cells):
            return None
        cell = self.cells[column]
        if isinstance(cell, CellError):
            self._find(name, "cell_error", "error" if BY_NAME[name].key else "warning")
            return None
        return cell

    def _find(
        self,
        name: str,
        code: str,
        severity: Severity = "error",
        reason: Text | None = None,
        **params: Any,
    ) -> None:
        column = self.columns.get(name)
        heading = BY_NAME[name].title.zh if column is None else self.table.mapping.heading(name)
        self.findings.append(Finding(self.row.row, heading, code, severity, column, params, reason))

    def _missing(self, name: str, code: str) -> None:
        """Report a blank required cell, unless a formula error was reported there already."""
        last = self.findings[-1] if self.findings else None
        if not (last and last.row == self.row.row and last.position == self.columns.get(name)):
            self._find(name, code)

    def _student_no(self) -> None:
        cell = self._cell("student_no")
        text = code_text(cell)
        if not text:
            self._missing("student_no", "student_no_missing")
        elif digits_lost(cell):
            self._find("student_no", "student_no_digits_lost")
        elif not STUDENT_NO.fullmatch(text) or not _text_or_whole_number(cell):
            self._find("student_no", "student_no_invalid")
        else:
            self.row.student_no = text

    def _name(self) -> None:
        source = "name_masked" if self._prefers_masked() else "name"
        cell = self._cell(source)
        name = clean_name(plain_text(cell))
        if not name:
            self._missing(source, "name_missing")
        elif len(name) > NAME_LIMIT or BAD_NAME.search(name) or not isinstance(cell, str):
            self._find(source, "name_invalid")
        elif self.mode == "full":
            self._full_name(name)
        else:
            self.row.name_masked = name if "*" in name or "＊" in name else mask_name(name)

    def _prefers_masked(self) -> bool:
        if self.mode == "full" or "name_masked" not in self.columns:
            return False
        return "name" not in self.columns or bool(plain_text(self._cell("name_masked")))

    def _full_name(self, name: str) -> None:
        if "*" in name or "＊" in name:
            self._find("name", "name_is_masked")
            return
        self.row.name, self.row.name_masked = name, mask_name(name)

    def _id_type(self, number: str) -> IdType | None:
        """Return the type the row states, else the one the number has the shape of."""
        label = plain_text(self._cell("id_type"))
        if not label:
            return detect_type(number)
        try:
            return read_id_type(label)
        except UnknownIdType:
            self._find("id_type", "id_type_unknown")
            return None

    def _id_number(self) -> None:
        cell = self._cell("id_number")
        number = compact(plain_text(cell))
        if not number:
            self._missing("id_number", "id_number_missing")
            return
        if digits_lost(cell):
            self._find("id_number", "id_number_digits_lost")
            return
        before = len(self.findings)
        kind = self._id_type(number)
        if kind is None:
            if len(self.findings) == before:
                self._find("id_number", "id_number_format")
            return
        try:
            document = validate(kind, number, today=self.today)
        except InvalidInput as error:
            self._bad_number(number, kind, error)
            return
        self._keep_document(document)

    def _bad_number(self, number: str, kind: IdType, error: InvalidInput) -> None:
        """Report the broken rule, in the words of the likeliest cause."""
        other = detect_type(number)
        if _zeros_instead_of_digits(number):
            self._find("id_number", "id_number_digits_lost")
        elif error.code == "id_number_format" and other not in (None, kind, IdType.PASSPORT):
            self._find("id_number", "id_type_mismatch")
        else:
            self._find("id_number", error.code, "error", error.reason)

    def _keep_document(self, document: IdDocument) -> None:
        self.row.document = document
        self.row.id_masked = mask_id(document.number)
        self.row.id_last4 = last_four(document.number)
        self.row.id_last4_variants = last_four_variants(document.number)

    def _last_four(self) -> None:
        """Read the last four, or take them from a number that is then forgotten."""
        source = "id_last4" if "id_last4" in self.columns else "id_number"
        cell = self._cell(source)
        text = compact(plain_text(cell))
        if not text:
            self._missing(source, "id_last4_missing")
            return
        if digits_lost(cell):
            self._find(source, "id_number_digits_lost")
            return
        variants = [text] if source == "id_last4" else last_four_variants(text)
        if not LAST_FOUR.fullmatch(variants[0]):  # also 0042 that became the number 42
            self._find(source, "id_last4_invalid")
            return
        self.row.id_last4, self.row.id_last4_variants = variants[0], variants

    def _person(self) -> None:
        document = self.row.document
        self.row.gender = self._gender()
        self.row.birth_date = self._birth_date()
        if document and document.gender and self.row.gender not in (None, document.gender):
            self._find("gender", "gender_mismatch")
        if (
            document
            and document.birth_date
            and self.row.birth_date
            not in (
                None,
                document.birth_date,
            )
        ):
            self._find("birth_date", "birth_date_mismatch")
        self.row.phone = self._phone()

    def _gender(self) -> Gender | None:
        cell = self._cell("gender")
        if not plain_text(cell):
            return None
        try:
            return read_gender(cell)
        except ValueError:
            self._find("gender", "gender_invalid", "warning")
            return None

    def _birth_date(self) -> date | None:
        cell = self._cell("birth_date")
        if not plain_text(cell):
            return None
        try:
            return read_date(cell)
        except ValueError:
            self._find("birth_date", "birth_date_invalid", "warning")
            return None

    def _phone(self) -> str | None:
        cell = self._cell("phone")
        text = plain_text(cell)
        if not text:
            return None
        try:
            if digits_lost(cell):
                raise InvalidPhone
            return normalise_phone(text)
        except InvalidPhone:
            self._find("phone", "phone_invalid", "warning")
            return None

    def _study(self) -> None:
        for name in TEXT_FIELDS:
            if name in self.columns:
                self.row.texts[name] = self._text(name)
        for name in DATE_FIELDS:
            if name in self.columns:
                self.row.dates[name] = self._date(name)
        code = code_text(self._cell("school_code"))
        if code and self.school_code and code.upper() != self.school_code.upper():
            self._find("school_code", "school_code_mismatch", expected=self.school_code)

    def _text(self, name: str) -> str | None:
        cell = self._cell(name)
        if isinstance(cell, date):
            self._find(name, "text_became_date", "warning")
            return None
        text = plain_text(cell)
        if len(text) > TEXT_LIMIT:
            self._find(name, "text_too_long", limit=TEXT_LIMIT)
        return text or None

    def _date(self, name: str) -> date | None:
        cell = self._cell(name)
        if not plain_text(cell):
            return None
        try:
            return read_date(cell, month_is_enough=True)
        except ValueError:
            self._find(name, "date_invalid", "warning")
            return None


def _text_or_whole_number(cell: Cell) -> bool:
    """Return False for fractions, booleans, and what Excel turned into a date."""
    return isinstance(cell, str) or (is_number(cell) and float(cell).is_integer())  # type: ignore[arg-type]


def _zeros_instead_of_digits(number: str) -> bool:
    """Return True for a resident number that Excel rounded and somebody then made text again."""
    if not re.fullmatch(r"[1-9][0-9]{14}000", number):
        return False
    return resident_check_character(number[:17]) != number[17]


def _lost_zeros(table: Table) -> list[Finding]:
    """Return a warning for every number-typed student number shorter than the usual length."""
    column = table.mapping.columns["student_no"]
    cells = [(n, row[column]) for n, row in table.rows if column < len(row)]
    lengths = Counter(len(text) for _, cell in cells if (text := code_text(cell)))
    if not lengths:
        return []
    usual = max(lengths, key=lambda length: (lengths[length], length))
    heading = table.mapping.heading("student_no")
    return [
        Finding(
            number,
            heading,
            "leading_zeros_maybe_lost",
            "warning",
            column,
            {"length": len(code_text(cell)), "usual": usual},
        )
        for number, cell in cells
        if is_number(cell) and not digits_lost(cell) and len(code_text(cell)) < usual
    ]


def _duplicates(table: Table, rows: list[RosterRow]) -> list[Finding]:
    """Return an error for every row whose number or ID an earlier row has, naming that row."""
    found: list[Finding] = []
    students: dict[str, int] = {}
    people: dict[str, int] = {}
    for row in rows:
        keys = [("student_no", "duplicate_student_no", students, row.student_key)]
        if row.document:
            key = f"{row.document.id_type}:{row.document.match_key}"
            keys.append(("id_number", "duplicate_id_number", people, key))
        for name, code, seen, key in keys:
            first = seen.setdefault(key, row.row) if key else row.row
            if first != row.row:
                column = table.mapping.columns[name]
                heading = table.mapping.heading(name)
                params = {"first_row": first}
                found.append(Finding(row.row, heading, code, "error", column, params))
    return found
