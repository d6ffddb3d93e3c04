"""Rules about the person and the studies: what may be missing without keeping a row out."""

from __future__ import annotations

from datetime import date

from backoffice.identity.documents import Gender
from backoffice.identity.errors import InvalidPhone
from backoffice.identity.phones import normalise_phone
from backoffice.imports.mapping import Mapping
from backoffice.imports.row_cells import RowCells
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


class StudyRules(RowCells):
    """Fills gender, birth date and phone, and the studies."""

    def __init__(
        self, mapping: Mapping, roster_mode: str, school_code: str | None, today: date
    ) -> None:
        super().__init__(mapping, roster_mode, school_code, today)
        self._text_names = [name for name in TEXT_FIELDS if name in self.columns]
        self._date_names = [name for name in DATE_FIELDS if name in self.columns]

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
        """Read the columns about the studies; a school code must be this school's."""
        self.row.texts = {name: self.once(name, self._text) for name in self._text_names}
        self.row.dates = {name: self.once(name, self._date) for name in self._date_names}
        self.once("school_code", self._school_code)

    def _school_code(self, name: str) -> None:
        code = code_text(self.cell(name))
        if code and self.school_code and code.upper() != self.school_code.upper():
            self.find(name, "school_code_mismatch", expected=self.school_code)

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
