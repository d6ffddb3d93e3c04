"""Labelled pictures: from a folder, and what a label means.

A folder holds `good/*` (usable pictures), `bad/<check code>/*` (the named check has to fail) and
`edge/<check code>/*` (close to the limit, but the named check has to pass and the picture too).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from backoffice.photos.checks import KINDS
from backoffice.photos.errors import PhotoRefused

Expectation = Literal["pass", "catch"]
UNREADABLE = frozenset(error.code for error in PhotoRefused.__subclasses__())
FOLDERS: dict[str, Expectation] = {"bad": "catch", "edge": "pass"}


@dataclass(frozen=True)
class Case:
    """One picture. `check`: what the label is about, None for a picture that is simply usable.

    `also`: other checks whose failure catches the picture as well. `refuse`: whether noticing is
    not enough and the picture has to be refused.
    """

    name: str
    data: bytes
    expected: Expectation
    check: str | None = None
    also: tuple[str, ...] = ()
    refuse: bool = False


class FolderNotUsable(Exception):
    """The folder is not laid out as described; the message says what is wrong."""


def from_folder(folder: Path) -> Iterator[Case]:
    """Yield the pictures of a labelled folder. Raises FolderNotUsable."""
    if not folder.is_dir():
        raise FolderNotUsable(f"no folder: {folder}")
    found = 0
    for path in _files(folder / "good"):
        found += 1
        yield Case(path.name, path.read_bytes(), "pass")
    for label, expected in FOLDERS.items():
        for place in sorted(p for p in (folder / label).glob("*") if p.is_dir()):
            _known(place.name)
            for path in _files(place):
                found += 1
                yield Case(path.name, path.read_bytes(), expected, place.name)
    if not found:
        raise FolderNotUsable(
            f"no pictures in {folder}: expected good/*, bad/<check>/*, edge/<check>/*"
        )


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*") if p.is_file() and not p.name.startswith("."))


def _known(code: str) -> None:
    if code not in KINDS and code not in UNREADABLE:
        known = ", ".join(sorted({*KINDS, *UNREADABLE}))
        raise FolderNotUsable(f"no check is called {code}; known: {known}")
