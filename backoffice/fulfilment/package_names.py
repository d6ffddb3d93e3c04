"""The names of the pictures in the export package: by a template of the school, always harmless."""

from __future__ import annotations

import re
import string
from typing import Any

from backoffice.errors import InvalidInput
from backoffice.i18n import Text

NAME_FIELDS = ("student_no", "college", "class_name", "number")
NAME_PART_LETTERS = 80


def check_name_template(template: str) -> None:
    """Raise InvalidInput unless the file names it makes are distinct and stay in their folder.

    Fields: student_no, college, class_name, number (of the picture in the package); one of the
    first and the last is needed. `/` makes folders; the name ends in `.jpg`.
    """
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError:
        pieces = [("", "?", "", None)]
    fields = [field for _, field, _, _ in pieces if field is not None]
    # no attributes, indexes, conversions or widths: `{student_no.__class__}` is no file name
    plain = all(not spec and not conversion for _, _, spec, conversion in pieces)
    parts = template.split("/")
    tame = all(part and not part.startswith((".", " ")) for part in parts)
    letters = re.fullmatch(r"[^\\:*?\"<>|\x00-\x1f\x7f]+\.jpg", template)
    known = set(fields) <= set(NAME_FIELDS) and {"student_no", "number"} & set(fields)
    if not (plain and tame and letters and known):
        raise InvalidInput(
            "names",
            Text(
                "文件名模板应形如 {student_no}.jpg；可用字段：student_no、number、college、"
                "class_name，须含前两者之一，可用 / 分文件夹。",
                "The template looks like {student_no}.jpg; fields: student_no, number, college, "
                "class_name, with one of the first two; / makes folders.",
            ),
        )


def file_name(template: str, row: Any, number: int, used: set[str]) -> str:
    """Return the file's name; anything that could leave the folder is replaced.

    Two numbers that differ only in what is replaced (`A/1`, `A_1`) still get two names.
    """
    parts = {
        "student_no": row.student_no,
        "college": row.college or "未分院系",
        "class_name": row.class_name or "未分班",
        "number": f"{number + 1:05d}",
    }
    safe = {
        key: re.sub(r"[^\w()-]+", "_", str(value))[:NAME_PART_LETTERS] or "_"
        for key, value in parts.items()
    }
    name = template.format(**safe)
    if name.casefold() in used:  # as Windows compares them
        name = f"{name.removesuffix('.jpg')}_{number + 1:05d}.jpg"
    used.add(name.casefold())
    return name
