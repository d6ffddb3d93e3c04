"""The container of an OpenType font: collection, tables, character map, variation axis."""

from __future__ import annotations

import importlib.util
import struct
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

from backoffice.settings import SettingsError

FACE_SC = 2  # order in the collection: JP, KR, SC, TC, HK
FAMILY = "Noto Sans CJK SC"


def font_file() -> Path:
    """Return the font file of the wheel manimgx-fonts-cjk; SettingsError if it is not installed."""
    spec = importlib.util.find_spec("manimgx_fonts_cjk")
    if spec is None or spec.origin is None:
        raise SettingsError("The wheel manimgx-fonts-cjk is not installed; run make up.")
    found = sorted(Path(spec.origin).parent.glob("*.ttc"))
    if not found:
        raise SettingsError("The wheel manimgx-fonts-cjk holds no font; run make up.")
    return found[0]


def face_tables(data: bytes, face: int) -> dict[str, memoryview]:
    """Return the tables of one face of a font collection, by their tag."""
    start = struct.unpack_from(">I", data, 12 + 4 * face)[0]
    count = struct.unpack_from(">H", data, start + 4)[0]
    view = memoryview(data)
    tables = {}
    for index in range(count):
        tag, _, offset, length = struct.unpack_from(">4sIII", data, start + 12 + 16 * index)
        tables[tag.decode("ascii")] = view[offset : offset + length]
    return tables


class CharacterMap:
    """Unicode code point to glyph number: the format 12 subtable of `cmap`."""

    def __init__(self, table: memoryview) -> None:
        offset = self._format_12(table)
        count = struct.unpack_from(">I", table, offset + 12)[0]
        groups = struct.iter_unpack(">III", table[offset + 16 : offset + 16 + 12 * count])
        self._groups = list(groups)
        self._starts = [group[0] for group in self._groups]

    @staticmethod
    def _format_12(table: memoryview) -> int:
        for index in range(struct.unpack_from(">H", table, 2)[0]):
            offset: int = struct.unpack_from(">I", table, 8 + 8 * index)[0]
            if struct.unpack_from(">H", table, offset)[0] == 12:
                return offset
        raise ValueError("the font has no character map of format 12")

    def glyph(self, code_point: int) -> int:
        """Return the glyph number, 0 (an empty box) for a character the font lacks."""
        place = bisect_right(self._starts, code_point) - 1
        if place < 0:
            return 0
        first, last, glyph = self._groups[place]
        return int(glyph + code_point - first) if code_point <= last else 0


class Metrics:
    """Default advance widths (`hmtx`) in font units."""

    def __init__(self, tables: dict[str, memoryview]) -> None:
        self._count = struct.unpack_from(">H", tables["hhea"], 34)[0]
        self._hmtx = tables["hmtx"]

    def advance(self, glyph: int) -> int:
        """Return the advance of a glyph before variation."""
        return int(struct.unpack_from(">H", self._hmtx, 4 * min(glyph, self._count - 1))[0])


def normalised_weight(tables: dict[str, memoryview], weight: float) -> float:
    """Return the variation coordinate (-1 to 1) of a weight (100 thin to 900 black).

    The font has this one axis; `avar` bends the straight scale between its end points.
    """
    axis = struct.unpack_from(">H", tables["fvar"], 4)[0]
    low, default, high = (v / 65536 for v in struct.unpack_from(">iii", tables["fvar"], axis + 4))
    weight = min(max(weight, low), high)
    span = (high - default) if weight >= default else (default - low)
    value = (weight - default) / span if span else 0.0
    if "avar" not in tables:
        return value
    count = struct.unpack_from(">H", tables["avar"], 8)[0]
    raw = struct.unpack_from(f">{2 * count}h", tables["avar"], 10)
    points = [(raw[i] / 16384, raw[i + 1] / 16384) for i in range(0, 2 * count, 2)]
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 <= value <= x1:
            return float(y0 + (y1 - y0) * (value - x0) / (x1 - x0) if x1 > x0 else y0)
    return value


class VariationStore:
    """An item variation store: how much of each delta applies at one coordinate."""

    def __init__(self, table: memoryview, coordinate: float) -> None:
        self._table = table
        regions, count = struct.unpack_from(">IH", table, 2)
        self._data = struct.unpack_from(f">{count}I", table, 8)
        axes, region_count = struct.unpack_from(">HH", table, regions)
        if axes != 1:
            raise ValueError("only fonts with one variation axis are read")
        corners = struct.iter_unpack(">hhh", table[regions + 4 : regions + 4 + 6 * region_count])
        self._region_scalars = [_scalar(c, coordinate) for c in corners]

    def scalars(self, index: int) -> list[float]:
        """Return the factor of each delta of variation data `index`."""
        count = struct.unpack_from(">H", self._table, self._data[index] + 4)[0]
        used = struct.unpack_from(f">{count}H", self._table, self._data[index] + 6)
        return [self._region_scalars[region] for region in used]

    def delta(self, outer: int, inner: int) -> float:
        """Return the interpolated delta of one item."""
        start = self._data[outer]
        items, words, count = struct.unpack_from(">HHH", self._table, start)
        if inner >= items:
            return 0.0
        long_form, words = bool(words & 0x8000), words & 0x7FFF
        form = f">{words}{'i' if long_form else 'h'}{count - words}{'h' if long_form else 'b'}"
        row = start + 6 + 2 * count + inner * struct.calcsize(form)
        deltas = struct.unpack_from(form, self._table, row)
        return float(sum(d * s for d, s in zip(deltas, self.scalars(outer), strict=True)))


def _scalar(corners: tuple[int, ...], coordinate: float) -> float:
    start, peak, end = (c / 16384 for c in corners)
    if peak == 0 or coordinate == peak:
        return 1.0
    if not start < coordinate < end:
        return 0.0
    if coordinate < peak:
        return (coordinate - start) / (peak - start)
    return (end - coordinate) / (end - peak)


class AdvanceVariations:
    """How advances change with the weight (`HVAR`)."""

    def __init__(self, table: memoryview, coordinate: float) -> None:
        store, mapping = struct.unpack_from(">II", table, 4)
        self._store = VariationStore(table[store:], coordinate)
        self._map = table[mapping:] if mapping else None

    def delta(self, glyph: int) -> float:
        """Return the change of a glyph's advance, in font units."""
        outer, inner = (0, glyph) if self._map is None else self._entry(self._map, glyph)
        return self._store.delta(outer, inner)

    @staticmethod
    def _entry(table: memoryview, glyph: int) -> tuple[int, int]:
        wide = table[0] == 1
        form = table[1]
        count = struct.unpack_from(">I" if wide else ">H", table, 2)[0]
        size = ((form >> 4) & 3) + 1
        start = (6 if wide else 4) + size * min(glyph, count - 1)
        entry = int.from_bytes(table[start : start + size], "big")
        inner_bits = (form & 15) + 1
        return entry >> inner_bits, entry & ((1 << inner_bits) - 1)
