"""Rules about who a row is: student number, name, identity document (DOMAIN sections 3 and 4)."""

from __future__ import annotations

import re

from backoffice.errors import InvalidInput
from backoffice.identity.characters import compact
from backoffice.identity.check_characters import resident_check_character
from backoffice.identity.documents import (
    IdDocument,
    IdType,
    detect_type,
    validate,
)
from backoffice.identity.errors import UnknownIdType
from backoffice.identity.last_four import last_four_variants
from backoffice.identity.masking import mask_id, mask_name
from backoffice.identity.names import PLAIN, clean_name
from backoffice.imports.cells import Cell
from backoffice.imports.row_cells import RowCells
from backoffice.imports.values import (
    LAST_FOUR,
    STUDENT_NO,
    code_text,
    digits_lost,
    is_number,
    plain_text,
    read_id_type,
)

NAME_LIMIT = 60
BAD_NAME = re.compile(r"[0-9０-９@#$%^&+=<>{}\[\]|\\~_;:!?/]")


class IdentityRules(RowCells):
    """Fills what identifies the student, or reports why it cannot."""

    def student_no(self) -> None:
        """Read the student number."""
        cell = self.cell("student_no")
        if type(cell) is str and STUDENT_NO.fullmatch(cell):  # nothing to clean
            self.row.student_no = cell
            return
        text = code_text(cell)
        if not text:
            self.missing("student_no", "student_no_missing")
        elif digits_lost(cell):
            self.find("student_no", "student_no_digits_lost")
        elif not STUDENT_NO.fullmatch(text) or not _text_or_whole_number(cell):
            self.find("student_no", "student_no_invalid")
        else:
            self.row.student_no = text

    def name(self) -> None:
        """Read the name; minimal mode keeps its mask only."""
        source = "name_masked" if self._prefers_masked() else "name"
        cell = self.cell(source)
        if self.mode == "full" and type(cell) is str and PLAIN.fullmatch(cell):  # nothing to clean
            self.row.name, self.row.name_masked = cell, mask_name(cell)
            return
        name = clean_name(plain_text(cell))
        if not name:
            self.missing(source, "name_missing")
        elif len(name) > NAME_LIMIT or BAD_NAME.search(name) or not isinstance(cell, str):
            self.find(source, "name_invalid")
        elif self.mode == "full":
            self._full_name(name)
        else:
            self.row.name_masked = name if "*" in name or "＊" in name else mask_name(name)

    def _prefers_masked(self) -> bool:
        if self.mode == "full" or "name_masked" not in self.columns:
            return False
        return "name" not in self.columns or bool(plain_text(self.cell("name_masked")))

    def _full_name(self, name: str) -> None:
        if "*" in name or "＊" in name:
            self.find("name", "name_is_masked")
            return
        self.row.name, self.row.name_masked = name, mask_name(name)

    def _id_type(self, number: str) -> IdType | None:
        """Return the type the row states, else the one the number has the shape of."""
        found = len(self.findings)
        stated = self.once("id_type", self._stated_type)
        return stated or (detect_type(number) if len(self.findings) == found else None)

    def _stated_type(self, name: str) -> IdType | None:
        label = plain_text(self.cell(name))
        try:
            return read_id_type(label) if label else None
        except UnknownIdType:
            self.find(name, "id_type_unknown")
            return None

    def id_number(self) -> None:
        """Read the identity document."""
        cell = self.cell("id_number")
        number = compact(plain_text(cell))
        if not number:
            self.missing("id_number", "id_number_missing")
            return
        if digits_lost(cell):
            self.find("id_number", "id_number_digits_lost")
            return
        before = len(self.findings)
        kind = self._id_type(number)
        if kind is None:
            if len(self.findings) == before:
                self.find("id_number", "id_number_format")
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
            self.find("id_number", "id_number_digits_lost")
        elif error.code == "id_number_format" and other not in (None, kind, IdType.PASSPORT):
            self.find("id_number", "id_type_mismatch")
        else:
            self.find("id_number", error.code, "error", error.reason)

    def _keep_document(self, document: IdDocument) -> None:
        row, variants = self.row, last_four_variants(document.number)
        row.document, row.id_masked = document, mask_id(document.number)
        row.id_last4, row.id_last4_variants = variants[0], variants

    def last_four(self) -> None:
        """Read the last four, or take them from a number that is then forgotten."""
        source = "id_last4" if "id_last4" in self.columns else "id_number"
        cell = self.cell(source)
        text = compact(plain_text(cell))
        if not text:
            self.missing(source, "id_last4_missing")
            return
        if digits_lost(cell):
            self.find(source, "id_number_digits_lost")
            return
        variants = [text] if source == "id_last4" else last_four_variants(text)
        if not LAST_FOUR.fullmatch(variants[0]):  # also 0042 that became the number 42
            self.find(source, "id_last4_invalid")
            return
        self.row.id_last4, self.row.id_last4_variants = variants[0], variants


def _text_or_whole_number(cell: Cell) -> bool:
    """Return False for fractions, booleans, and what Excel turned into a date."""
    return isinstance(cell, str) or (is_number(cell) and float(cell).is_integer())  # type: ignore[arg-type]


def _zeros_instead_of_digits(number: str) -> bool:
    """Return True for a resident number that Excel rounded and somebody then made text again."""
    if not re.fullmatch(r"[1-9][0-9]{14}000", number):
        return False
    return resident_check_character(number[:17]) != number[17]
