"""What the mapping form offers: the sheets, their columns with samples, and what each seems to be."""

from __future__ import annotations

import re
from collections.abc import Mapping as Pairs
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from backoffice.identity.characters import compact
from backoffice.identity.masking import mask_id
from backoffice.imports.cells import Cell, Row, column_letter, display
from backoffice.imports.mapping import NUMBERED, Mapping, missing_fields, propose_mapping
from backoffice.imports.reading import Sheet
from backoffice.imports.table import Header, find_headers, plain_header
from backoffice.imports.values import SAFE_NUMBER

SAMPLES = 3
SAMPLE_SEARCH = 30
MAX_COLUMNS = 60  # a roster has some twenty; more are offered for nobody's use
MAX_SHEETS = 20
SAMPLE_LENGTH = 30
LONG_NUMBER = re.compile(r"[+A-Za-z]{0,2}[0-9]{8,}[0-9Xx()]*")


@dataclass
class Column:
    """One column of a sheet. `word`: how the choice names it. `how`: see `Mapping`."""

    word: str
    letter: str
    heading: str
    samples: list[str]
    field: str | None = None
    how: str | None = None


@dataclass
class SheetOffer:
    """One sheet that may be the roster; `missing` are required fields without a column."""

    name: str
    header_row: int
    rows: int
    columns: list[Column]
    missing: list[str]
    sure: bool


@dataclass
class Proposal:
    """What a clerk is asked; `sure` when there is nothing to ask."""

    sheets: list[SheetOffer] = field(default_factory=list)

    @property
    def best(self) -> SheetOffer | None:
        """The sheet to show first."""
        offers = self.sheets
        return max(offers, key=_fitness) if offers else None

    @property
    def sure(self) -> bool:
        """True when one sheet fits without a guess, and no other sheet could be meant."""
        fitting = [offer for offer in self.sheets if not offer.missing]
        return len(fitting) == 1 and fitting[0].sure

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; they hold sample cells and must be sealed."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> Proposal:
        """Return what `to_dict` gave."""
        return cls(
            [
                SheetOffer(**{**offer, "columns": [Column(**c) for c in offer["columns"]]})
                for offer in values["sheets"]
            ]
        )


def _fitness(offer: SheetOffer) -> tuple[bool, bool, int, int]:
    known = sum(1 for column in offer.columns if column.field)
    return (not offer.missing, offer.sure, known, offer.rows)


def propose(sheets: Sequence[Sheet], roster_mode: str, remembered: Pairs[str, str]) -> Proposal:
    """Return what to offer for a workbook; hidden sheets only when no other has anything."""
    filled = [sheet for sheet in sheets if len(sheet.rows)]
    shown = [sheet for sheet in filled if sheet.visible] or filled
    known = {word: name for word, name in remembered.items() if name != "-"}
    headers = {sheet.name: header for sheet, header in find_headers(shown, known)}
    offers = [
        _offer(sheet, headers.get(sheet.name) or plain_header(sheet), roster_mode, remembered)
        for sheet in shown[:MAX_SHEETS]
    ]
    with_headings = [offer for offer in offers if offer.header_row and offer.rows]
    return Proposal(with_headings or offers)


def _offer(
    sheet: Sheet, header: Header | None, roster_mode: str, remembered: Pairs[str, str]
) -> SheetOffer:
    start = header.last_row + 1 if header else 0
    samples = [row for row in sheet.rows[start : start + SAMPLE_SEARCH] if row][:SAMPLES]
    width = len(header.headings) if header else max(map(len, samples), default=0)
    letters = [column_letter(i) for i in range(width)]
    headings = header.headings if header else letters
    mapping = propose_mapping(headings if header else [""] * width, None, remembered, strict=False)
    missing = missing_fields(mapping, roster_mode)
    columns = [
        _column(i, headings[i], bool(header), samples, mapping)
        for i in range(min(width, MAX_COLUMNS))
    ]
    sure = bool(header) and not missing and not mapping.guessed()
    return SheetOffer(sheet.name, start, len(sheet.rows) - start, columns, missing, sure)


def _column(
    index: int, heading: str, has_headings: bool, rows: Sequence[Row], mapping: Mapping
) -> Column:
    names = [name for name, column in mapping.columns.items() if column == index]
    name = next((n for n in names if mapping.how[n] != "fallback"), None) or next(iter(names), None)
    cells = [_sample(row[index]) if index < len(row) else "" for row in rows]
    return Column(
        word=f"{NUMBERED}{index}" if has_headings else column_letter(index),
        letter=column_letter(index),
        heading=" ".join(heading.split()) if has_headings else "",
        samples=[cell for cell in cells if cell],
        field=name,
        how=mapping.how[name] if name else None,
    )


def _sample(cell: Cell) -> str:
    """Return what shows the kind of a cell; of long numbers not the number itself."""
    long = isinstance(cell, float) and abs(cell) >= SAFE_NUMBER  # else shown as 1.1e+17
    text = (f"{cell:.0f}" if long else display(cell))[:SAMPLE_LENGTH]
    return mask_id(text) if LONG_NUMBER.fullmatch(compact(text)) else text
