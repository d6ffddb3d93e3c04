"""Names for the arrays of this package; OpenCV's stubs only promise "some number" as element type.

`RGB`: (H, W, 3) uint8, sRGB, rows from the top. `Floats`: float32 planes, points or tables.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from numpy.typing import NDArray

RGB: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[Any]
