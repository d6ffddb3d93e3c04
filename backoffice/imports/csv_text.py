"""Delimited text: encoding, delimiter, rows. Everything stays text, as it does in the file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from backoffice.imports.limits import Limits
from backoffice.imports.workbook_errors import WorkbookCorrupt, WorkbookUnsupported

DELIMITERS = (",", "\t", ";", "|")
SAMPLE_LINES = 30
# ="0012" is the trick that keeps Excel from eating leading zeros.
QUOTED_FORMULA = re.compile(r'="([^"]*)"')


def decode(data: bytes) -> str:
    """Return the text: UTF-8 with or without BOM, UTF-16 with BOM, else GB18030.

    GB18030 contains GBK and GB2312. Raises WorkbookUnsupported for bytes that are no text.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not re.search(r"[\x00-\x08\x0e-\x1f]", text):
            return text
    raise WorkbookUnsupported(kind="?")


def find_delimiter(text: str) -> str:
    """Return the delimiter that cuts most of the first lines into equally many cells.

    Raises WorkbookUnsupported when no delimiter makes columns: a letter, a log, a list of names.
    """
    sample = "\n".join(text.splitlines()[:SAMPLE_LINES])
    scores = {delimiter: _score(sample, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda d: scores[d])
    if scores[best] == (0, 0):
        raise WorkbookUnsupported(kind="TXT")
    return best


def _score(sample: str, delimiter: str) -> tuple[int, int]:
    """Return (lines of the commonest width, that width), (0, 0) when it is one column."""
    try:
        widths = [len(row) for row in csv.reader(io.StringIO(sample), delimiter=delimiter) if row]
    except csv.Error:
        return (0, 0)
    wide = [width for width in widths if width > 1]
    if not wide or 2 * len(wide) < len(widths):
        return (0, 0)
    common = max(sorted(set(wide), reverse=True), key=wide.count)
    return (wide.count(common), common)


def read_rows(data: bytes, limits: Limits) -> Iterator[list[str]]:
    """Yield the rows. Raises WorkbookUnsupported, WorkbookTooLarge or WorkbookCorrupt."""
    text = decode(data)
    delimiter = find_delimiter(text)
    csv.field_size_limit(100_000)
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter), 1):
            if number > limits.rows or len(row) > limits.columns:
                raise limits.too_large()
            yield [QUOTED_FORMULA.sub(r"\1", cell) if cell[:2] == '="' else cell for cell in row]
    except csv.Error:
        raise WorkbookCorrupt from None
