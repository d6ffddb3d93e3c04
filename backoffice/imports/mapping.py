"""Which column holds which field: exact heading, synonym, resemblance, or the clerk's word."""

from __future__ import annotations

from collections.abc import Mapping as Pairs
from collections.abc import Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz

from backoffice.imports.cells import column_index, column_letter
from backoffice.imports.errors import ColumnDuplicated, ColumnMissing, ColumnUnknown, FieldUnknown
from backoffice.imports.fields import (
    BY_NAME,
    FIELDS,
    LOOKUP,
    OTHER_PERSON,
    Field,
    heading_key,
    recognise,
)

NUMBERED = "#"
NOTHING = "-"
IGNORE = frozenset({NOTHING, "ignore", "忽略"})
# One wrong character in a five-character heading is 80; 院系代码 and 院校代码 are 75 alike.
RESEMBLANCE_HAN = 80
RESEMBLANCE_LATIN = 88

# At least one field of each group must have a column.
REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "full": (("student_no",), ("name",), ("id_number",)),
    "minimal": (("student_no",), ("name_masked", "name"), ("id_last4", "id_number")),
}


@dataclass
class Mapping:
    """The answer: field name -> column (0-based), and how it was found.

    `how` is `manual`, `remembered`, `exact`, `synonym`, `fuzzy` or `fallback` (考生号 in place of 学号).
    """

    headings: list[str]
    columns: dict[str, int] = field(default_factory=dict)
    how: dict[str, str] = field(default_factory=dict)

    def heading(self, name: str) -> str:
        """Return what a person calls the column of a field: its heading, else its letter."""
        column = self.columns[name]
        return self.column_name(column)

    def column_name(self, column: int) -> str:
        """Return the heading of a column, or its letter when the heading is blank."""
        text = self.headings[column] if column < len(self.headings) else ""
        return " ".join(text.split()) or column_letter(column)

    def put(self, name: str, column: int, how: str) -> None:
        """Give a field its column."""
        self.columns[name] = column
        self.how[name] = how

    def guessed(self) -> list[str]:
        """Return the fields a person should look at: found by resemblance or as a fallback."""
        return [name for name, how in self.how.items() if how in ("fuzzy", "fallback")]

    def to_dict(self) -> dict[str, str]:
        """Return field -> heading, for the import's record."""
        return {name: self.heading(name) for name in self.columns}


def listed(headings: Sequence[str]) -> str:
    """Return the headings as one line for a message."""
    words = [" ".join(text.split()) for text in headings]
    return "、".join(word for word in words if word) or "—"


def field_named(word: str) -> str:
    """Return the field of a wire name or a title; raises FieldUnknown."""
    word = word.strip()
    if word in BY_NAME:
        return word
    found = recognise(word)
    if found is None:
        raise FieldUnknown(field=word, fields="、".join(BY_NAME))
    return found[0].name


def column_named(word: str, headings: Sequence[str]) -> int | None:
    """Return the column of a heading, else of a column letter, else None.

    `#0` is the first column whatever its heading: what the mapping form sends.
    """
    if word[:1] == NUMBERED and word[1:].isdecimal():
        return int(word[1:]) if int(word[1:]) < len(headings) else None
    key = heading_key(word)
    for column, heading in enumerate(headings):
        if key and heading_key(heading) == key:
            return column
    return column_index(word)


def propose_mapping(
    headings: Sequence[str],
    overrides: Pairs[str, str] | None = None,
    remembered: Pairs[str, str] | None = None,
    *,
    strict: bool = True,
) -> Mapping:
    """Return the mapping of a heading row.

    overrides: column (heading or letter) -> field name or title, `-` to ignore the column.
    remembered: heading key -> field name, what the school last said. strict: two columns for one
    field raise ColumnDuplicated; otherwise the field stays without a column. Raises ColumnUnknown
    or FieldUnknown for overrides that fit nothing.
    """
    mapping = Mapping(list(headings))
    taken = _apply_overrides(mapping, overrides or {})
    _apply_remembered(mapping, taken, remembered or {})
    _apply_synonyms(mapping, taken, strict)
    _apply_resemblance(mapping, taken)
    if "student_no" not in mapping.columns and "exam_no" in mapping.columns:
        # Freshmen have no student number yet; their 考生号 is as unique.
        mapping.put("student_no", mapping.columns["exam_no"], "fallback")
    return mapping


def _apply_overrides(mapping: Mapping, overrides: Pairs[str, str]) -> set[int]:
    taken: set[int] = set()
    for word, target in overrides.items():
        column = column_named(word, mapping.headings)
        if column is None:
            raise ColumnUnknown(column=word, headings=listed(mapping.headings))
        taken.add(column)
        if target.strip().lower() in IGNORE:
            continue
        name = field_named(target)
        if name in mapping.columns and mapping.columns[name] != column:
            raise _duplicated(mapping, name, [mapping.columns[name], column])
        mapping.put(name, column, "manual")
    return taken


def _apply_remembered(mapping: Mapping, taken: set[int], remembered: Pairs[str, str]) -> None:
    """Give a field its column where memory names exactly one."""
    wanted: dict[str, list[int]] = {}
    for column, heading in enumerate(mapping.headings):
        name = remembered.get(heading_key(heading))
        if name and column not in taken:
            wanted.setdefault(name, []).append(column)
    for column in wanted.pop("-", []):
        taken.add(column)
    for name, columns in wanted.items():
        if len(columns) == 1 and name in BY_NAME and name not in mapping.columns:
            mapping.put(name, columns[0], "remembered")
            taken.add(columns[0])


def _apply_synonyms(mapping: Mapping, taken: set[int], strict: bool) -> None:
    candidates: dict[str, list[tuple[int, int]]] = {}
    for column, heading in enumerate(mapping.headings):
        found = recognise(heading)
        if found and column not in taken:
            candidates.setdefault(found[0].name, []).append((found[1], column))
    for name, ranked in candidates.items():
        taken.update(column for _, column in ranked)
        if name in mapping.columns:
            continue
        rank, column = min(ranked)
        rivals = [c for r, c in ranked if r == rank or BY_NAME[name].key]
        if len(rivals) > 1 and strict:
            raise _duplicated(mapping, name, rivals)
        if len(rivals) > 1:
            continue
        mapping.put(name, column, "exact" if rank <= 1 else "synonym")


def _apply_resemblance(mapping: Mapping, taken: set[int]) -> None:
    guesses: list[tuple[float, int, str]] = []
    for column, heading in enumerate(mapping.headings):
        key = heading_key(heading)
        if column in taken or len(key) < 4 or OTHER_PERSON.search(heading):
            continue
        score, found = _most_alike(key)
        if found.name not in mapping.columns:
            guesses.append((score, column, found.name))
    for score, column, name in sorted(guesses, key=lambda guess: -guess[0]):
        limit = RESEMBLANCE_LATIN if heading_key(mapping.headings[column]).isascii() else None
        if score >= (limit or RESEMBLANCE_HAN) and name not in mapping.columns:
            mapping.put(name, column, "fuzzy")


def _most_alike(key: str) -> tuple[float, Field]:
    scored = ((fuzz.ratio(key, word), found) for word, (found, _) in LOOKUP.items())
    return max(scored, key=lambda pair: pair[0])


def _duplicated(mapping: Mapping, name: str, columns: list[int]) -> ColumnDuplicated:
    places = "、".join(f"{column_letter(c)}（{mapping.column_name(c)}）" for c in sorted(columns))
    return ColumnDuplicated(
        field=BY_NAME[name].title.zh, columns=places, headings=listed(mapping.headings)
    )


def check_required(mapping: Mapping, roster_mode: str) -> None:
    """Raise ColumnMissing, naming every column the mode needs and the file lacks."""
    missing = [BY_NAME[name].title.zh for name in missing_fields(mapping, roster_mode)]
    if missing:
        raise ColumnMissing(columns="、".join(missing), headings=listed(mapping.headings))


def missing_fields(mapping: Mapping, roster_mode: str) -> list[str]:
    """Return the fields the mode needs and the mapping lacks; of alternatives the first."""
    return [
        group[0]
        for group in REQUIRED[roster_mode]
        if not any(name in mapping.columns for name in group)
    ]


def template_fields(roster_mode: str) -> list[Field]:
    """Return the fields of the template of a mode, required ones first in FIELDS order."""
    left_out = (
        {"exam_no", "name_masked", "id_last4"}
        if roster_mode == "full"
        else {"exam_no", "name", "id_number", "id_type", "birth_date", "gender", "phone"}
    )
    return [item for item in FIELDS if item.name not in left_out]
