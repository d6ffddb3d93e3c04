"""Glyph outlines of a CFF2 table at one weight.

Source: the OpenType specification, chapters "CFF2" and "CFF2 CharString". Hints are skipped:
outlines are only drawn large or printed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backoffice.fonts.sfnt import VariationStore

Segment = tuple[float, ...]  # 2 numbers: move (first) or line; 6: curve. Absolute font units.
Contour = list[Segment]
DictEntries = dict[int, list[float]]

CHARSTRINGS, PRIVATE, SUBRS, VSINDEX, BLEND, VSTORE = 17, 18, 19, 22, 23, 24
FD_ARRAY, FD_SELECT = 0x0C24, 0x0C25
MAX_DEPTH = 10  # nested subroutines, by the specification


class Index:
    """An INDEX: byte strings by number."""

    def __init__(self, table: memoryview, offset: int) -> None:
        self.count: int = struct.unpack_from(">I", table, offset)[0]
        self._table = table
        self._size = table[offset + 4] if self.count else 0
        self._offsets = offset + 5
        self._base = offset + 4 + (self.count + 1) * self._size

    def __getitem__(self, number: int) -> memoryview:
        start, end = (self._offset(n) for n in (number, number + 1))
        return self._table[self._base + start : self._base + end]

    def _offset(self, number: int) -> int:
        place = self._offsets + number * self._size
        return int.from_bytes(self._table[place : place + self._size], "big")

    @property
    def bias(self) -> int:
        """What is added to a subroutine number."""
        return 107 if self.count < 1240 else 1131 if self.count < 33900 else 32768


def read_dict(data: memoryview) -> DictEntries:
    """Return the operands of each operator (two-byte operators as 0x0Cxx).

    Blended operands are left as they stand: only offsets and indexes are used here.
    """
    entries: DictEntries = {}
    operands: list[float] = []
    place = 0
    while place < len(data):
        byte = data[place]
        if byte <= 27 and byte != BLEND:
            if byte == 12:
                place += 1
                byte = 0x0C00 + data[place]
            entries[byte], operands = operands, []
            place += 1
        elif byte == BLEND:
            place += 1
        elif byte == 30:
            place = _skip_real(data, place + 1)
            operands.append(0.0)
        elif byte == 29:
            operands.append(struct.unpack_from(">i", data, place + 1)[0])
            place += 5
        else:
            value, place = _number(data, place)
            operands.append(value)
    return entries


def _skip_real(data: memoryview, place: int) -> int:
    while data[place] & 15 != 15 and data[place] >> 4 != 15:
        place += 1
    return place + 1


def _number(data: memoryview, place: int) -> tuple[float, int]:
    """Return the number at `place` and the place after it (forms shared by DICT and CharString)."""
    byte = data[place]
    if byte == 28:
        return struct.unpack_from(">h", data, place + 1)[0], place + 3
    if byte <= 246:
        return byte - 139, place + 1
    if byte <= 250:
        return (byte - 247) * 256 + data[place + 1] + 108, place + 2
    if byte <= 254:
        return -(byte - 251) * 256 - data[place + 1] - 108, place + 2
    return struct.unpack_from(">i", data, place + 1)[0] / 65536, place + 5


@dataclass(frozen=True)
class _FontDict:
    subrs: Index | None
    vsindex: int


class Cff2:
    """The outlines of a CFF2 table at one variation coordinate."""

    def __init__(self, table: memoryview, coordinate: float) -> None:
        header, top_length = struct.unpack_from(">BH", table, 2)
        top = read_dict(table[header : header + top_length])
        self.global_subrs = Index(table, header + top_length)
        self.charstrings = Index(table, int(top[CHARSTRINGS][0]))
        self._font_dicts = [_font_dict(table, d) for d in _all(Index(table, int(top[FD_ARRAY][0])))]
        self._select = table[int(top[FD_SELECT][0]) :] if FD_SELECT in top else None
        self._store = VariationStore(table[int(top[VSTORE][0]) + 2 :], coordinate)

    def outline(self, glyph: int) -> list[Contour]:
        """Return the closed contours of a glyph."""
        font_dict = self._font_dicts[self._font_dict_number(glyph)]
        run = _CharString(self.global_subrs, font_dict, self._store)
        run.execute(self.charstrings[glyph], 0)
        return run.contours

    def _font_dict_number(self, glyph: int) -> int:
        if self._select is None:
            return 0
        if self._select[0] == 0:
            return self._select[1 + glyph]
        if self._select[0] == 3:
            return _range_lookup(self._select, glyph, ">H", ">HB")
        return _range_lookup(self._select, glyph, ">I", ">IH")


def _range_lookup(table: memoryview, glyph: int, count_form: str, range_form: str) -> int:
    count = struct.unpack_from(count_form, table, 1)[0]
    start, step = 1 + struct.calcsize(count_form), struct.calcsize(range_form)
    low, high = 0, count - 1
    while low < high:
        middle = (low + high + 1) // 2
        first = struct.unpack_from(range_form, table, start + step * middle)[0]
        low, high = (middle, high) if first <= glyph else (low, middle - 1)
    return int(struct.unpack_from(range_form, table, start + step * low)[1])


def _all(index: Index) -> Iterator[memoryview]:
    return (index[n] for n in range(index.count))


def _font_dict(table: memoryview, data: memoryview) -> _FontDict:
    size, offset = (int(v) for v in read_dict(data).get(PRIVATE, [0, 0]))
    private = read_dict(table[offset : offset + size])
    subrs = Index(table, offset + int(private[SUBRS][0])) if SUBRS in private else None
    return _FontDict(subrs, int(private.get(VSINDEX, [0])[0]))


class _CharString:
    """One run of the Type 2 machine: collects contours."""

    def __init__(self, global_subrs: Index, font_dict: _FontDict, store: VariationStore) -> None:
        self._global = global_subrs
        self._local = font_dict.subrs
        self._store = store
        self._scalars = store.scalars(font_dict.vsindex)
        self._stack: list[float] = []
        self._stems = 0
        self._x = self._y = 0.0
        self.contours: list[Contour] = []

    def execute(self, code: memoryview, depth: int) -> None:
        """Run one charstring or subroutine."""
        if depth > MAX_DEPTH:
            raise ValueError("subroutines nested too deeply")
        place = 0
        while place < len(code):
            byte = code[place]
            if byte == 28 or byte >= 32:
                value, place = _number(code, place)
                self._stack.append(value)
                continue
            place += 1
            if byte in (10, 29):
                self._call(byte, depth)
            elif byte in (19, 20):
                self._hints()
                place += (self._stems + 7) // 8
            elif byte == 12:
                self._draw(FLEXES[code[place]])
                place += 1
            else:
                self._operator(byte)

    def _call(self, byte: int, depth: int) -> None:
        subrs = self._local if byte == 10 else self._global
        if subrs is None:
            raise ValueError("call of a local subroutine in a font without any")
        self.execute(subrs[int(self._stack.pop()) + subrs.bias], depth + 1)

    def _operator(self, byte: int) -> None:
        if byte == 16:
            self._blend()
        elif byte == 15:
            self._scalars = self._store.scalars(int(self._stack.pop()))
        elif byte in (1, 3, 18, 23):
            self._hints()
        else:
            self._draw(OPERATORS[byte])

    def _hints(self) -> None:
        self._stems += len(self._stack) // 2
        self._stack.clear()

    def _blend(self) -> None:
        count = int(self._stack.pop())
        per_value = len(self._scalars)
        start = len(self._stack) - count * (per_value + 1)
        values, deltas = self._stack[start : start + count], self._stack[start + count :]
        for number in range(count):
            row = deltas[number * per_value : (number + 1) * per_value]
            values[number] += sum(d * s for d, s in zip(row, self._scalars, strict=True))
        self._stack[start:] = values

    def _draw(self, operator: Callable[[_CharString, list[float]], None]) -> None:
        operands, self._stack = self._stack, []
        operator(self, operands)

    def move(self, dx: float, dy: float) -> None:
        """Begin a contour."""
        self._x, self._y = self._x + dx, self._y + dy
        self.contours.append([(self._x, self._y)])

    def line(self, dx: float, dy: float) -> None:
        """Draw a line."""
        self._x, self._y = self._x + dx, self._y + dy
        self.contours[-1].append((self._x, self._y))

    def curve(self, v: list[float]) -> None:
        """Draw a curve from six relative numbers."""
        x1, y1 = self._x + v[0], self._y + v[1]
        x2, y2 = x1 + v[2], y1 + v[3]
        self._x, self._y = x2 + v[4], y2 + v[5]
        self.contours[-1].append((x1, y1, x2, y2, self._x, self._y))


def _chunks(values: list[float], size: int) -> Iterator[list[float]]:
    return (values[i : i + size] for i in range(0, len(values) - size + 1, size))


def _rlineto(run: _CharString, v: list[float]) -> None:
    for dx, dy in _chunks(v, 2):
        run.line(dx, dy)


def _rrcurveto(run: _CharString, v: list[float]) -> None:
    for six in _chunks(v, 6):
        run.curve(six)


def _rcurveline(run: _CharString, v: list[float]) -> None:
    _rrcurveto(run, v[:-2])
    run.line(v[-2], v[-1])


def _rlinecurve(run: _CharString, v: list[float]) -> None:
    _rlineto(run, v[:-6])
    run.curve(v[-6:])


def _alternating_lines(run: _CharString, v: list[float], horizontal: bool) -> None:
    for value in v:
        run.line(*((value, 0.0) if horizontal else (0.0, value)))
        horizontal = not horizontal


def _hhcurveto(run: _CharString, v: list[float]) -> None:
    dy = v.pop(0) if len(v) % 4 else 0.0
    for a, b, c, d in _chunks(v, 4):
        run.curve([a, dy, b, c, d, 0.0])
        dy = 0.0


def _vvcurveto(run: _CharString, v: list[float]) -> None:
    dx = v.pop(0) if len(v) % 4 else 0.0
    for a, b, c, d in _chunks(v, 4):
        run.curve([dx, a, b, c, 0.0, d])
        dx = 0.0


def _alternating_curves(run: _CharString, v: list[float], horizontal: bool) -> None:
    last = v.pop() if len(v) % 4 else 0.0
    fours = list(_chunks(v, 4))
    for number, (a, b, c, d) in enumerate(fours):
        end = last if number == len(fours) - 1 else 0.0
        run.curve([a, 0.0, b, c, end, d] if horizontal else [0.0, a, b, c, d, end])
        horizontal = not horizontal


def _flex(run: _CharString, v: list[float]) -> None:
    _rrcurveto(run, v[:12])


def _hflex(run: _CharString, v: list[float]) -> None:
    run.curve([v[0], 0.0, v[1], v[2], v[3], 0.0])
    run.curve([v[4], 0.0, v[5], -v[2], v[6], 0.0])


def _hflex1(run: _CharString, v: list[float]) -> None:
    run.curve([v[0], v[1], v[2], v[3], v[4], 0.0])
    run.curve([v[5], 0.0, v[6], v[7], v[8], -(v[1] + v[3] + v[7])])


def _flex1(run: _CharString, v: list[float]) -> None:
    dx, dy = sum(v[0:10:2]), sum(v[1:10:2])
    end = [v[10], -dy] if abs(dx) > abs(dy) else [-dx, v[10]]
    run.curve(v[:6])
    run.curve(v[6:10] + end)


OPERATORS: dict[int, Callable[[_CharString, list[float]], None]] = {
    4: lambda run, v: run.move(0.0, v[-1]),
    5: _rlineto,
    6: lambda run, v: _alternating_lines(run, v, True),
    7: lambda run, v: _alternating_lines(run, v, False),
    8: _rrcurveto,
    21: lambda run, v: run.move(v[-2], v[-1]),
    22: lambda run, v: run.move(v[-1], 0.0),
    24: _rcurveline,
    25: _rlinecurve,
    26: _vvcurveto,
    27: _hhcurveto,
    30: lambda run, v: _alternating_curves(run, v, False),
    31: lambda run, v: _alternating_curves(run, v, True),
}
FLEXES: dict[int, Callable[[_CharString, list[float]], None]] = {
    34: _hflex,
    35: _flex,
    36: _hflex1,
    37: _flex1,
}
