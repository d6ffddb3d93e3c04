"""The typeface in PDFs: `font_name(weight)` registers it with reportlab and returns its name.

Glyphs are embedded as a Type 3 font: a vector drawing per character used, 255 to a subset, with a
ToUnicode map, so the text can be searched and copied and prints sharply at any size.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

from reportlab import rl_config
from reportlab.pdfbase import pdfdoc, pdfmetrics

from backoffice.fonts.cff2 import Cff2, Contour
from backoffice.fonts.sfnt import (
    FACE_SC,
    FAMILY,
    AdvanceVariations,
    CharacterMap,
    Metrics,
    face_tables,
    font_file,
    normalised_weight,
)

REGULAR, BOLD, BLACK = 400, 700, 900
SUBSET_SIZE = 255
UNITS = 1000  # the font's units per em, as PDF widths want them

# Streams as bytes, not as text: a fifth smaller, and the encoding took a fifth of the time.
rl_config.useA85 = 0


@cache
def _tables() -> dict[str, memoryview]:
    return face_tables(font_file().read_bytes(), FACE_SC)


class Typeface:
    """Glyph numbers, advances and outlines of the simplified-Chinese face at one weight."""

    def __init__(self, weight: int) -> None:
        tables = _tables()
        coordinate = normalised_weight(tables, weight)
        self._characters = CharacterMap(tables["cmap"])
        self._metrics = Metrics(tables)
        self._variations = AdvanceVariations(tables["HVAR"], coordinate)
        self._cff = Cff2(tables["CFF2"], coordinate)
        self._advances: dict[str, int] = {}

    def has(self, character: str) -> bool:
        """Return True if the face can draw the character."""
        return self._characters.glyph(ord(character)) != 0

    def advance(self, character: str) -> int:
        """Return the advance width in thousandths of the size."""
        known = self._advances.get(character)
        if known is None:
            glyph = self._characters.glyph(ord(character))
            known = round(self._metrics.advance(glyph) + self._variations.delta(glyph))
            self._advances[character] = known
        return known

    def outline(self, character: str) -> list[Contour]:
        """Return the contours in font units, origin on the base line."""
        return self._cff.outline(self._characters.glyph(ord(character)))


@cache
def typeface(weight: int = REGULAR) -> Typeface:
    """Return the face at a weight from 100 (thin) to 900 (black), read once per process."""
    return Typeface(weight)


@cache
def font_name(weight: int = REGULAR) -> str:
    """Return the reportlab font name of the weight, registered; use it with `setFont`."""
    name = f"{FAMILY.replace(' ', '')}-{weight}"
    pdfmetrics.registerFont(OutlineFont(name, typeface(weight)))
    return name


class _Subsets:
    """The characters one document uses, in order of first use."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}
        self.internal_name = ""

    def place(self, character: str) -> int:
        return self.places.setdefault(character, len(self.places))

    def subset(self, number: int) -> list[str]:
        return list(self.places)[number * SUBSET_SIZE : (number + 1) * SUBSET_SIZE]

    @property
    def count(self) -> int:
        return -(-len(self.places) // SUBSET_SIZE)


class OutlineFont:
    """A reportlab "dynamic" font: one Type 3 font object per subset of a document.

    The names are reportlab's protocol, as in its own `TTFont`.
    """

    _multiByte = 1  # noqa: N815
    _dynamicFont = 1  # noqa: N815
    shapable = False

    def __init__(self, name: str, face: Typeface) -> None:
        self.fontName = name
        self.face = SimpleNamespace(name=name, builtIn=False, ascent=880, descent=-120)
        self._typeface = face
        self._documents: WeakKeyDictionary[Any, _Subsets] = WeakKeyDictionary()

    def stringWidth(self, text: str, size: float, encoding: str = "utf8") -> float:  # noqa: N802
        """Return the width of `text` in points at `size` points."""
        return sum(self._typeface.advance(c) for c in text) * size / UNITS

    def splitString(  # noqa: N802
        self, text: str, doc: Any, encoding: str = "utf-8"
    ) -> list[tuple[int, bytes]]:
        """Return runs of (subset number, codes)."""
        subsets = self._subsets(doc)
        runs: list[tuple[int, bytearray]] = []
        for character in text:
            number, code = divmod(subsets.place(character), SUBSET_SIZE)
            if not runs or runs[-1][0] != number:
                runs.append((number, bytearray()))
            runs[-1][1].append(code)
        return [(number, bytes(codes)) for number, codes in runs]

    def getSubsetInternalName(self, subset: int, doc: Any) -> str:  # noqa: N802
        """Return the name pages use for a subset, announcing the font to the document."""
        state = self._subsets(doc)
        if not state.internal_name:
            state.internal_name = f"F{len(doc.fontMapping) + 1}"
            doc.fontMapping[self.fontName] = "/" + state.internal_name
            doc.delayedFonts.append(self)
        return f"/{state.internal_name}+{subset}"

    def addObjects(self, doc: Any) -> None:  # noqa: N802
        """Add the font objects of everything the document used."""
        state = self._subsets(doc)
        fonts = doc.idToObject["BasicFonts"].dict
        for number in range(state.count):
            name = self.getSubsetInternalName(number, doc)[1:]
            fonts[name] = self._type3(doc, name, state.subset(number))

    def _subsets(self, doc: Any) -> _Subsets:
        return self._documents.setdefault(doc, _Subsets())

    def _type3(self, doc: Any, name: str, characters: list[str]) -> Any:
        procedures = {}
        for code, character in enumerate(characters):
            stream = _stream(doc, _procedure(self._typeface, character))
            procedures[f"g{code}"] = doc.Reference(stream, f"{self.fontName}:{name}:{code}")
        names = " ".join(f"/g{code}" for code in range(len(characters)))
        unicode_map = _stream(doc, _to_unicode(characters))
        return pdfdoc.PDFDictionary(
            {
                "Type": pdfdoc.PDFName("Font"),
                "Subtype": pdfdoc.PDFName("Type3"),
                "Name": pdfdoc.PDFName(name),
                "FontBBox": pdfdoc.PDFArray([-1000, -1000, 3000, 2000]),
                "FontMatrix": pdfdoc.PDFArray([0.001, 0, 0, 0.001, 0, 0]),
                "CharProcs": pdfdoc.PDFDictionary(procedures),
                "Encoding": pdfdoc.PDFDictionary(
                    {
                        "Type": pdfdoc.PDFName("Encoding"),
                        "Differences": f"[0 {names}]",
                    }
                ),
                "FirstChar": 0,
                "LastChar": len(characters) - 1,
                "Widths": pdfdoc.PDFArray([self._typeface.advance(c) for c in characters]),
                "Resources": pdfdoc.PDFDictionary({}),
                "ToUnicode": doc.Reference(unicode_map, f"{self.fontName}:{name}:unicode"),
            }
        )


def _stream(doc: Any, content: str) -> Any:
    stream = pdfdoc.PDFStream(content=content)
    if doc.compression:
        stream.filters = [pdfdoc.PDFZCompress]
    return stream


def _procedure(face: Typeface, character: str) -> str:
    """Return the drawing of one glyph in the current fill colour (operator d1)."""
    contours = face.outline(character)
    points = [p for c in contours for s in c for p in zip(s[::2], s[1::2], strict=True)] or [(0, 0)]
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    box = f"{min(xs):.0f} {min(ys):.0f} {max(xs):.0f} {max(ys):.0f}"
    lines = [f"{face.advance(character)} 0 {box} d1"]
    for contour in contours:
        for number, segment in enumerate(contour):
            operator = "m" if number == 0 else "l" if len(segment) == 2 else "c"
            lines.append(" ".join(f"{v:.1f}".removesuffix(".0") for v in segment) + " " + operator)
        lines.append("h")
    # Type 2 glyphs fill by the non-zero rule; overlapping contours of a variable font need it.
    return "\n".join([*lines, "f"] if contours else lines)


def _to_unicode(characters: list[str]) -> str:
    """Return the CMap from codes to Unicode (PDF 32000-1, 9.10.3), 100 lines to a block at most."""
    lines = [
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
        "1 begincodespacerange <00> <FF> endcodespacerange",
    ]
    for start in range(0, len(characters), 100):
        block = characters[start : start + 100]
        lines.append(f"{len(block)} beginbfchar")
        for code, character in enumerate(block, start):
            lines.append(f"<{code:02X}> <{character.encode('utf-16-be').hex().upper()}>")
        lines.append("endbfchar")
    lines.append("endcmap CMapName currentdict /CMap defineresource pop end end")
    return "\n".join(lines)
