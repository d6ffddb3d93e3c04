"""What must be known of an old binary workbook (.xls) before a parser is let near it."""

from __future__ import annotations

from collections.abc import Iterator

from backoffice.imports.workbook_errors import (
    WorkbookCorrupt,
    WorkbookEncrypted,
    WorkbookHasMacros,
    WorkbookUnsupported,
)

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Old workbooks are records of kind, length, body; the first one says BIFF8 or BIFF5, workbook.
XLS_BOF, XLS_WRITE_PROTECT, XLS_FILE_PASS = b"\x09\x08", b"\x86\x00", b"\x2f\x00"
XLS_BEGIN = (XLS_BOF + b"\x10\x00\x00\x06\x05\x00", XLS_BOF + b"\x08\x00\x00\x05\x05\x00")
OLE_MINI_SECTOR = 64  # streams begin at a multiple of this


def refuse_old(data: bytes) -> None:
    """Raise WorkbookEncrypted, WorkbookUnsupported, WorkbookCorrupt or WorkbookHasMacros."""
    if _utf16(b"EncryptedPackage") in data:
        raise WorkbookEncrypted
    if _utf16(b"WordDocument") in data:
        raise WorkbookUnsupported(kind="Word")
    if _utf16(b"PowerPoint Document") in data:
        raise WorkbookUnsupported(kind="PowerPoint")
    if _utf16(b"Workbook") not in data and _utf16(b"Book") not in data:
        raise WorkbookCorrupt
    if _utf16(b"_VBA_PROJECT") in data:
        raise WorkbookHasMacros
    if any(_locked(data, place) for place in _workbook_streams(data)):
        raise WorkbookEncrypted


def _workbook_streams(data: bytes) -> Iterator[int]:
    """Yield where the stream of a workbook may begin: its first record, at the edge of a sector."""
    for begin in XLS_BEGIN:
        place = data.find(begin)
        while place >= 0:
            if place % OLE_MINI_SECTOR == 0:
                yield place
            place = data.find(begin, place + 1)


def _locked(data: bytes, place: int) -> bool:
    """Return True if the records at `place` ask for a password to be read ([MS-XLS], FilePass).

    The parser says of such a file only that it does not know the format.
    """
    for kind in (XLS_BOF, XLS_WRITE_PROTECT):
        if data[place : place + 2] == kind:
            place += 4 + int.from_bytes(data[place + 2 : place + 4], "little")
    return data[place : place + 2] == XLS_FILE_PASS


def _utf16(name: bytes) -> bytes:
    """Return a stream's name as the directory of the container has it."""
    return name.decode().encode("utf-16-le")
