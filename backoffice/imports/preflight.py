"""What a file is, and whether a parser may be let near it.

A valid workbook of 1.5 KB with one cell at XFD1048576 aborts the whole process of the parser
(PEERS section 3), so the used area is found first by a streamed scan of the sheet XML.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from backoffice.imports.cells import column_index
from backoffice.imports.limits import Limits
from backoffice.imports.ods_area import ODS_TAG, OdsArea
from backoffice.imports.old_workbooks import OLE_MAGIC, refuse_old
from backoffice.imports.workbook_errors import (
    WorkbookCorrupt,
    WorkbookEmpty,
    WorkbookEncrypted,
    WorkbookHasMacros,
    WorkbookUnsupported,
)

CHUNK = 1 << 20
MAX_ENTRIES = 5_000
ZIP_MAGIC = b"PK\x03\x04"
ODS_MIME = b"application/vnd.oasis.opendocument.spreadsheet"

# First bytes of what clerks send by mistake, with the name we call it.
OTHER_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"{\\rtf", "RTF"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"MIME-Version", "MHTML"),
)
MARKUP = re.compile(rb"\s*<(\?xml|!doctype|html|table|meta|head|style)", re.IGNORECASE)

# The address of a cell. Nearly all stand in the first 26 columns and 99,999 rows, which are never
# too many: picking out only the others takes a fraction of the time.
ADDRESS = re.compile(rb"r\s*=\s*[\"']([A-Za-z]{1,3})([0-9]{1,7})[\"']")
COMMON_ROWS, COMMON_COLUMNS = 99_999, 26
BEYOND_COMMON = re.compile(
    rb"r\s*=\s*[\"'](?=[A-Za-z]{2}|[A-Za-z][0-9]{6})([A-Za-z]{1,3})([0-9]{1,7})[\"']"
)
ERROR_MARKS = (b'"e"', b"'e'")
ERROR_CELL = re.compile(rb"<(?:\w+:)?c\s[^>]*\bt\s*=\s*[\"']e[\"'][^>]*>")
MAX_ERRORS = 10_000


class Kind(StrEnum):
    """The formats that are read."""

    XLSX = "xlsx"
    XLS = "xls"
    ODS = "ods"
    TEXT = "csv"


@dataclass
class Preflight:
    """What the scan found. `errors`: sheet file name -> (row, column) of formula errors, 0-based."""

    kind: Kind
    has_pictures: bool = False
    errors: dict[str, list[tuple[int, int]]] = field(default_factory=dict)


def inspect(data: bytes, limits: Limits) -> Preflight:
    """Return the kind of `data` after checking that reading it is safe.

    Raises WorkbookEmpty, WorkbookTooLarge, WorkbookEncrypted, WorkbookHasMacros,
    WorkbookCorrupt or WorkbookUnsupported. The file's name is not believed.
    """
    if not data.strip(b"\0 \r\n\t"):
        raise WorkbookEmpty
    if len(data) > limits.file_bytes:
        raise limits.too_large()
    if data.startswith(b"PK"):
        return _inspect_zip(data, limits)
    if data.startswith(OLE_MAGIC):
        refuse_old(data)
        return Preflight(Kind.XLS)
    for magic, kind in OTHER_KINDS:
        if data.startswith(magic):
            raise WorkbookUnsupported(kind=kind)
    if MARKUP.match(data.removeprefix(b"\xef\xbb\xbf")[:200]):
        raise WorkbookUnsupported(kind="HTML/XML")
    return Preflight(Kind.TEXT)


def _inspect_zip(data: bytes, limits: Limits) -> Preflight:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError, ValueError):
        raise WorkbookCorrupt from None
    entries = archive.infolist()
    _check_totals(entries, limits)
    names = {entry.filename for entry in entries}
    if any(name.rsplit("/", 1)[-1] == "vbaProject.bin" for name in names):
        raise WorkbookHasMacros
    try:
        if "xl/workbook.xml" in names:
            return _inspect_xlsx(archive, names, limits)
        if "mimetype" in names and "content.xml" in names:
            return _inspect_ods(archive, names, limits)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError):
        raise WorkbookCorrupt from None
    raise WorkbookUnsupported(kind=_zip_kind(names))


def _check_totals(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise WorkbookEncrypted
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    bomb = unpacked > 10_000_000 and unpacked > packed * limits.ratio
    if len(entries) > MAX_ENTRIES or unpacked > limits.unpacked_bytes or bomb:
        raise limits.too_large()


def _zip_kind(names: set[str]) -> str:
    for member, kind in (
        ("word/document.xml", "Word .docx"),
        ("ppt/presentation.xml", "PowerPoint .pptx"),
        ("xl/workbook.bin", "Excel .xlsb"),
    ):
        if member in names:
            return kind
    return "ZIP"


def _chunks(archive: zipfile.ZipFile, name: str, budget: int) -> Iterator[bytes]:
    """Yield the member in pieces that end between tags, at most `budget` bytes in all.

    The size in the directory may be a lie, so what really comes out is counted.
    """
    rest = b""
    with archive.open(name) as member:
        while block := member.read(CHUNK):
            budget -= len(block)
            if budget < 0:
                raise OverflowError
            block = rest + block
            cut = block.rfind(b"<")
            rest = block[cut:] if cut >= 0 and len(block) - cut < CHUNK else b""
            yield block[: len(block) - len(rest)]
    yield rest


def _inspect_xlsx(archive: zipfile.ZipFile, names: set[str], limits: Limits) -> Preflight:
    found = Preflight(Kind.XLSX, has_pictures=any(n.startswith("xl/media/") for n in names))
    for name in sorted(names):
        if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name, re.IGNORECASE):
            errors = _scan_sheet(archive, name, limits)
            if errors:
                found.errors[name.rsplit("/", 1)[1]] = errors
    return found


def _scan_sheet(archive: zipfile.ZipFile, name: str, limits: Limits) -> list[tuple[int, int]]:
    """Raise WorkbookTooLarge for a used area beyond the limits; return the formula errors.

    Cells without an address are not seen here; the memory limit of the reading process is
    what stops those.
    """
    rough, errors = _Area(COMMON_ROWS, COMMON_COLUMNS), list[tuple[int, int]]()
    try:
        for chunk in _chunks(archive, name, limits.unpacked_bytes):
            rough.include(BEYOND_COMMON.findall(chunk))
            if len(errors) < MAX_ERRORS and any(mark in chunk for mark in ERROR_MARKS):
                errors += _error_cells(chunk)
        if not rough.within(limits):
            exact = _Area()
            for chunk in _chunks(archive, name, limits.unpacked_bytes):
                exact.include(ADDRESS.findall(chunk))
            if not exact.within(limits):
                raise limits.too_large()
    except OverflowError:
        raise limits.too_large() from None
    return errors


class _Area:
    """The rows and columns that hold all cells seen so far, counted from A1."""

    def __init__(self, rows: int = 0, columns: int = 0) -> None:
        self.rows, self.columns = rows, columns

    def include(self, addresses: list[tuple[bytes, bytes]]) -> None:
        """Take in (letters, row number) of cells."""
        if addresses:
            letters = {letters.decode() for letters, _ in addresses}
            self.columns = max(self.columns, *(1 + (column_index(c) or 0) for c in letters))
            self.rows = max(self.rows, *map(int, {row for _, row in addresses}))

    def within(self, limits: Limits) -> bool:
        """Return True if a parser may make room for so much."""
        small = self.rows <= limits.rows and self.columns <= limits.columns
        return small and self.rows * self.columns <= limits.cells


def _error_cells(chunk: bytes) -> list[tuple[int, int]]:
    """Return where a piece of a sheet has formula errors, 0-based."""
    places = (ADDRESS.search(tag) for tag in ERROR_CELL.findall(chunk))
    return [(int(at[2]) - 1, column_index(at[1].decode()) or 0) for at in places if at]


def _inspect_ods(archive: zipfile.ZipFile, names: set[str], limits: Limits) -> Preflight:
    mime = archive.read("mimetype")[:200].strip()
    if mime != ODS_MIME:
        raise WorkbookUnsupported(kind="OpenDocument")
    if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read(
        "META-INF/manifest.xml"
    ):
        raise WorkbookEncrypted
    area = OdsArea(limits)
    try:
        for chunk in _chunks(archive, "content.xml", limits.unpacked_bytes):
            for tag, attributes in ODS_TAG.findall(chunk):
                area.feed(tag, attributes)
    except OverflowError:
        raise limits.too_large() from None
    return Preflight(Kind.ODS, has_pictures=any(n.startswith("Pictures/") for n in names))
