"""Roster files as real offices send them, built in the test: .xlsx, .xls, .ods, .csv, and traps."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any
from xml.sax.saxutils import escape

import openpyxl

HEADINGS = [
    "学号",
    "姓名",
    "证件类型",
    "证件号码",
    "性别",
    "出生日期",
    "院系",
    "专业",
    "班级",
    "手机号",
]
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰宇轩梓涵子墨"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def resident_id(number: int = 0, born: date = date(2003, 5, 17), male: bool = True) -> str:
    """Return a resident ID number that passes every check; `number` makes it another person."""
    sequence = (number * 2 + (1 if male else 0)) % 1000
    area = 110101 + (number // 500) % 9000
    first = f"{area:06d}{born:%Y%m%d}{sequence:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(first, WEIGHTS, strict=True))
    return first + "10X98765432"[total % 11]


def people(count: int, seed: int = 7) -> list[list[Any]]:
    """Return `count` correct rows under HEADINGS; invented people, the same for the same seed."""
    draw = random.Random(seed)
    rows = []
    for i in range(count):
        born = date(2001, 1, 1) + timedelta(days=draw.randrange(1400))
        male = draw.random() < 0.5
        name = draw.choice(SURNAMES) + "".join(draw.sample(GIVEN, draw.choice((1, 2))))
        rows.append(
            [
                f"2022{i:08d}",
                name,
                "居民身份证",
                resident_id(i, born, male),
                "男" if male else "女",
                f"{born:%Y-%m-%d}",
                "信息工程学院",
                "计算机科学与技术",
                f"计科22{1 + i % 8:02d}",
                f"138{i:08d}",
            ]
        )
    return rows


def xlsx(rows: Iterable[Sequence[Any]], *, sheet: str = "名单", prepare: Any = None) -> bytes:
    """Return an .xlsx with one sheet; `prepare(book, sheet)` may add what it likes."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(list(row))
    if prepare:
        prepare(book, page)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def big_xlsx(rows: Iterable[Sequence[str]]) -> bytes:
    """Return an .xlsx of text cells, written by hand: quick for tens of thousands of rows."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(
            f'<c r="{chr(65 + i)}{number}" t="inlineStr"><is><t>{escape(str(v))}</t></is></c>'
            for i, v in enumerate(row)
        )
        lines.append(f'<row r="{number}">{cells}</row>')
    return raw_xlsx("".join(lines))


def raw_xlsx(sheet_data: str, extra: dict[str, bytes] | None = None) -> bytes:
    """Return the smallest .xlsx around the given <sheetData> content."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{types}.worksheet+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet_data}'
        "</sheetData></worksheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return out.getvalue()


def address_bomb() -> bytes:
    """Return a valid workbook of some 1.5 KB whose second cell is the last one there is."""
    return raw_xlsx(
        '<row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    )


def hidden_address_bomb() -> bytes:
    """Return the same bomb with the address written so that no text scan can read it."""
    return raw_xlsx(
        '<row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="&#88;FD1048576"><v>1</v></c></row>'
    )


def zip_bomb() -> bytes:
    """Return a workbook that unpacks to 1.2 GB of blanks."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as member:
            block = b" " * (1 << 24)
            for _ in range(72):
                member.write(block)
    return out.getvalue()


def csv_text(rows: Iterable[Sequence[Any]], delimiter: str = ",") -> str:
    """Return the rows as delimited text, quoted where needed."""
    import csv

    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def ods(rows: Iterable[Sequence[Any]], tail: str = "", encrypted: bool = False) -> bytes:
    """Return an .ods; `tail` is raw XML after the rows (repeated rows and the like)."""
    lines = []
    for row in rows:
        cells = "".join(_ods_cell(value) for value in row)
        lines.append(f"<table:table-row>{cells}</table:table-row>")
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>'
        '<office:spreadsheet><table:table table:name="S1">'
        + "".join(lines)
        + tail
        + "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    secret = "<manifest:encryption-data/>" if encrypted else ""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml", f"<manifest:manifest>{secret}</manifest:manifest>"
        )
    return out.getvalue()


def _ods_cell(value: Any) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, date):
        return f'<table:table-cell office:value-type="date" office:date-value="{value}"/>'
    if isinstance(value, int | float):
        return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
    text = escape(value)
    return (
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
    )


def xls(rows: Iterable[Sequence[Any]], protection: bytes = b"") -> bytes:
    """Return a real BIFF8 .xls of text and number cells in an OLE container.

    protection: records right after the first one, such as FILEPASS.
    """
    cells = b""
    height = width = 0
    for r, row in enumerate(rows):
        height, width = r + 1, max(width, len(row))
        for c, value in enumerate(row):
            if value is None:
                continue
            head = struct.pack("<HHH", r, c, 15)
            if isinstance(value, int | float):
                cells += _record(0x0203, head + struct.pack("<d", value))
            else:
                text = value.encode("utf-16-le")
                cells += _record(0x0204, head + struct.pack("<HB", len(text) // 2, 1) + text)
    sheet = (
        _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
        + _record(0x0200, struct.pack("<IIHHH", 0, height, 0, width, 0))
        + cells
        + _record(0x000A, b"")
    )
    begin = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)) + protection
    name = "名单".encode("utf-16-le")
    end = _record(0x000A, b"")
    bound_length = 4 + 8 + len(name)
    offset = len(begin) + bound_length + len(end)
    bound = _record(0x0085, struct.pack("<IHBB", offset, 0, len(name) // 2, 1) + name)
    return ole({"Workbook": begin + bound + end + sheet})


def file_pass(rc4: bool = True) -> bytes:
    """Return what marks an .xls as locked with a password: RC4, or the XOR of old versions."""
    if rc4:
        return _record(0x002F, struct.pack("<HHH", 1, 1, 1) + bytes(range(48)))
    return _record(0x002F, struct.pack("<HHH", 0, 0x1234, 0x5678))


def write_protect() -> bytes:
    """Return the record of an .xls that asks for a password before it is changed, not to be read."""
    return _record(0x0086, b"")


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def ole(streams: dict[str, bytes]) -> bytes:
    """Return an OLE compound file; every stream is padded to a regular one (4,096 bytes)."""
    sector, free, end = 512, 0xFFFFFFFF, 0xFFFFFFFE
    padded = {
        name: body.ljust(max(4096, -(-len(body) // sector) * sector), b"\0")
        for name, body in streams.items()
    }
    counts = [len(body) // sector for body in padded.values()]
    fat_sectors = -(-(sum(counts) + 1 + 8) // 127)
    fat = [0xFFFFFFFD] * fat_sectors + [end]
    starts = []
    for count in counts:
        starts.append(len(fat))
        fat += [*range(len(fat) + 1, len(fat) + count), end]
    fat += [free] * (fat_sectors * 128 - len(fat))
    directory = _ole_entry("Root Entry", 5, 1, end, 0)
    for i, (name, body) in enumerate(padded.items()):
        right = i + 2 if i + 1 < len(padded) else free
        directory += _ole_entry(name, 2, free, starts[i], len(body), right)
    directory = directory.ljust(sector, b"\0")
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, fat_sectors, fat_sectors, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", *([*range(fat_sectors)] + [free] * (109 - fat_sectors)))
    return header + struct.pack(f"<{len(fat)}I", *fat) + directory + b"".join(padded.values())


def _ole_entry(
    name: str, kind: int, child: int, start: int, size: int, right: int = 0xFFFFFFFF
) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    none = 0xFFFFFFFF
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(text), kind, 1, none, right, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
