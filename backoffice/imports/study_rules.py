"""Rules about the person and the studies: what may be missing without keeping a row out."""

from __future__ import annotations

from datetime import date

from backoffice.identity.documents import Gender
from backoffice.identity.errors import InvalidPhone
from backoffice.identity.phones import MAINLAND_MOBILE, normalise_phone
from backoffice.imports.cells import Cell
from backoffice.imports.mapping import Mapping
from backoffice.imports.row_cells import MAX_KNOWN, RowCells, Studies
from backoffice.imports.values import (
    code_text,
    digits_lost,
    plain_text,
    read_date,
    read_gender,
)

TEXT_LIMIT = 100
TEXT_FIELDS = ("level", "study_kind", "study_form", "college", "major", "class_name")
DATE_FIELDS = ("enrolled_on", "graduates_on")
TEXT_OR_BLANK = frozenset((str, type(None)))


class StudyRules(RowCells):
    """Fills gender, birth date and phone, and the studies."""

    def __init__(
        self, mapping: Mapping, roster_mode: str, school_code: str | None, today: date
    ) -> None:
        super().__init__(mapping, roster_mode, school_code, today)
        self._text_names = [name for name in TEXT_FIELDS if name in self.columns]
        self._date_names = [name for name in DATE_FIELDS if name in self.columns]
        self._places = [
            self.columns[name]
            for name in (*self._text_names, *self._date_names, "school_code")
            if name in self.columns
        ]
        self._known_studies: dict[tuple[Cell, ...], Studies] = {}

    def person(self) -> None:
        """Read gender, birth date and phone; the first two must agree with the document."""
        row, document = self.row, self.row.document
        row.gender = self.once("gender", self._gender)
        row.birth_date = self.once("birth_date", self._birth_date)
        if document and document.gender and row.gender not in (None, document.gender):
            self.find("gender", "gender_mismatch")
        born = document.birth_date if document else None
        if born and row.birth_date not in (None, born):
            self.find("birth_date", "birth_date_mismatch")
        row.phone = self._phone()

    def _gender(self, name: str) -> Gender | None:
        cell = self.cell(name)
        if not plain_text(cell):
            return None
        try:
            return read_gender(cell)
        except ValueError:
            self.find(name, "gender_invalid", "warning")
            return None

    def _birth_date(self, name: str) -> date | None:
        cell = self.cell(name)
        if not plain_text(cell):
            return None
        try:
            return read_date(cell)
        except ValueError:
            self.find(name, "birth_date_invalid", "warning")
            return None

    def _phone(self) -> str | None:
        cell = self.cell("phone")
        if type(cell) is str and MAINLAND_MOBILE.fullmatch(cell):  # nothing to clean
            return normalise_phone(cell)
        text = plain_text(cell)
        if not text:
            return None
        try:
            if digits_lost(cell):
                raise InvalidPhone
            return normalise_phone(text)
        except InvalidPhone:
            self.find("phone", "phone_invalid", "warning")
            return None

    def study(self) -> None:
        """Read the columns about the studies; a school code must be this school's.

        Whole classes have the same words: they are read once, unless something is wrong with them.
        """
        cells = tuple([self.cells[place] for place in self._places])
        known = self._known_studies.get(cells)
        if known is None:
            before = len(self.findings)
            known = self._read_studies()
            plain = TEXT_OR_BLANK.issuperset(map(type, cells))  # else 1 and True would be equal
            if plain and len(self.findings) == before and len(self._known_studies) < MAX_KNOWN:
                self._known_studies[cells] = known
        self.row.studies = known

    def _read_studies(self) -> Studies:
        found = Studies(
            {name: self._text(name) for name in self._text_names},
            {name: self._date(name) for name in self._date_names},
        )
        self._school_code()
        return found

    def _school_code(self) -> None:
        code = code_text(self.cell("school_code"))
        if code and self.school_code and code.upper() != self.school_code.upper():
            self.find("school_code", "school_code_mismatch", expected=self.school_code)

    def _text(self, name: str) -> str | None:
        cell = self.cell(name)
        if isinstance(cell, date):
            self.find(name, "text_became_date", "warning")
            return None
        text = plain_text(cell)
        if len(text) > TEXT_LIMIT:
            self.find(name, "text_too_long", limit=TEXT_LIMIT)
        return text or None

    def _date(self, name: str) -> date | None:
        cell = self.cell(name)
        if not plain_text(cell):
            return None
        try:
            return read_date(cell, month_is_enough=True)
        except ValueError:
            self.find(name, "date_invalid", "warning")
            return None
