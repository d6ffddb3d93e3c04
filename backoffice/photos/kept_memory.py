"""Memory that is freed stays with the process.

A picture needs a hundred arrays of some megabytes, one after the other. As it comes, the C library
gives each back to the system and gets it anew, page by page: a tenth of a picture's time.
"""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_... of glibc's malloc.h
_LARGEST_BYTES = 32 << 20  # the most glibc takes for the second
_FREE_BYTES = 256 << 20  # more than a picture needs at once


def keep_freed_memory() -> None:
    """Tell the C library to keep what is freed; where it is not glibc, nothing happens."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST_BYTES)
        mallopt(_TRIM_THRESHOLD, _FREE_BYTES)
