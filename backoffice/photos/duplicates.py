"""Fingerprints that tell whether a picture was uploaded before.

`file_hash` finds the same file (a rejected file must not be resent: DOMAIN section 6);
`look_of` finds the same picture after re-saving, scaling or light recompression.
"""

from __future__ import annotations

import hashlib

import cv2
import numpy as np

from backoffice.photos.arrays import RGB
from backoffice.photos.windows import reduced, twos

_LOOKED_AT_PX = 256  # longer side, at least


def file_hash(data: bytes) -> str:
    """Return the SHA-256 of the file as lower-case hex (64 characters)."""
    return hashlib.sha256(data).hexdigest()


def look_of(rgb: RGB) -> str:
    """Return the 64-bit DCT hash of an upright picture of any size, as 16 hex characters."""
    few = reduced(rgb, twos(max(rgb.shape[:2]) / _LOOKED_AT_PX))
    grey = cv2.cvtColor(few, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].flatten()
    bits = low > np.median(low[1:])
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"


def distance(first: str, second: str) -> int:
    """Return the number of differing bits of two perceptual hashes (0 same, about 32 unrelated)."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


SAME_BITS = 2  # re-saving, scaling and brightening change at most two bits; a new take four or more
NEAR_BITS = 4  # also light cropping; pictures of different people differ in about thirty
_BANDS = (13, 13, 13, 13, 12)


def bands(fingerprint: str) -> list[int]:
    """Return the fingerprint's five numbered bands, as `photos.look_bands` holds them.

    Two fingerprints at most NEAR_BITS apart have one in common: four changes leave one of five whole.
    """
    value, left, found = int(fingerprint, 16), 64, []
    for number, size in enumerate(_BANDS):
        left -= size
        found.append((number << 13) + ((value >> left) & ((1 << size) - 1)))
    return found
