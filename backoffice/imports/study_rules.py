"""Rules about the person and the studies: what may be missing without keeping a row out."""

from __future__ import annotations

from datetime import date

from backoffice.identity.documents import Gender
from backoffice.identity.errors import InvalidPhone
from backoffice.identity.phones import normalise_phone
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

    def person(self) -> None:
        """Read gender, birth date and phone; the first two must agree with the document."""
        document = self.row.document
        self.row.gender = self._gender()
        self.row.birth_date = self._birth_date()
        if document and document.gender and self.row.gender not in (None, document.gender):
            self.find("gender", "gender_mismatch")
        born = document.birth_date if document else None
        if born and self.row.birth_date not in (None, born):
            self.find("birth_date", "birth_date_mismatch")
        self.row.phone = self._phone()

    def _gender(self) -> Gender | None:
        cell = self.cell("gender")
        if not plain_text(cell):
            return None
        try:
            return read_gender(cell)
        except ValueError:
            self.find("gender", "gender_invalid", "warning")
            return None

    def _birth_date(self) -> date | None:
        cell = self.cell("birth_date")
        if not plain_text(cell):
            return None
        try:
            return read_date(cell)
        except ValueError:
            self.find("birth_date", "birth_date_invalid", "warning")
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
        for name in TEXT_FIELDS:
            if name in self.columns:
                self.row.texts[name] = self._text(name)
        for name in DATE_FIELDS:
            if name in self.columns:
                self.row.dates[name] = self._date(name)
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
