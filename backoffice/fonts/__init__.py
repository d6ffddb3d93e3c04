"""The one typeface of our documents: Noto Sans CJK from a PyPI wheel, never a system font.

The wheel holds a single variable font with CFF2 outlines, which reportlab cannot embed. So the
outlines are read here (`cff2.py`) and embedded as a subset of vector glyphs (`pdf.py`).
"""
