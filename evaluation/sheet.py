"""The contact sheet: a fixed set, each with its matte, the result, its outline enlarged, its checks.

Edge quality is judged by looking. Two sheets of the same set, before and after a change, are laid
side by side.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.pipeline import PhotoEngine, PhotoResult, process
from backoffice.photos.standards import Standard
from evaluation import scenes
from evaluation.own_set import as_jpeg
from evaluation.people import Person, alpha_of, people

CELL_HEIGHT, GAP, TEXT_WIDTH = 420, 8, 360
ZOOM = 3
PATCH = (140, 140)  # output pixels of the outline shown three times as large
SHEET = "photo-sheet.png"
PAPER, INK = (255, 255, 255), (40, 44, 52)


def fixed_set(person: Person) -> dict[str, RGB]:
    """Return the pictures of one person on the sheet: as it is, and before four walls."""
    from skimage import data

    pictures = {"original": person.rgb}
    pictures["plain wall"] = scenes.plain_wall(person, (224, 220, 212), 3.0)
    pictures["dark wall"] = scenes.plain_wall(person, (70, 74, 80), 3.0)
    brick = np.repeat(data.brick()[..., None], 3, axis=-1)  # type: ignore[no-untyped-call]
    pictures["brick"] = scenes.wall(person, brick)
    pictures["coffee"] = scenes.wall(person, data.coffee())  # type: ignore[no-untyped-call]
    return pictures


def draw(
    engine: PhotoEngine, portraits: Path | None, standard: Standard, out: Path, before: str | None
) -> str:
    """Write the sheet into `out` and return a line saying where; `before`: an earlier `out`."""
    out.mkdir(parents=True, exist_ok=True)
    rows, verdicts = [], {}
    for person in people(engine, portraits):
        for name, picture in fixed_set(person).items():
            result = process(as_jpeg(picture), standard, engine)
            title = f"{person.name}: {name}"
            rows.append(_row(title, picture, result, engine))
            verdicts[title] = _verdict(result)
    _stack(rows).save(out / SHEET)
    (out / "checks.json").write_text(json.dumps(verdicts, ensure_ascii=False, indent=1))
    if before:
        return f"{out / SHEET}\n{_beside(Path(before), out)}"
    return str(out / SHEET)


def _verdict(result: PhotoResult) -> dict[str, object]:
    failed = {c.code: [c.severity, c.value] for c in result.checks if not c.passed}
    return {"passed": result.passed, "geometry": result.geometry, "failed": failed}


def _row(title: str, picture: RGB, result: PhotoResult, engine: PhotoEngine) -> Image.Image:
    cells = [_fit(picture), _fit(_matte(picture, engine))]
    if result.jpeg is not None:
        finished = np.asarray(Image.open(io.BytesIO(result.jpeg)).convert("RGB"))
        cells += [_fit(finished), *(_fit(patch) for patch in _outlines(finished))]
    cells.append(_notes(title, result))
    width = sum(cell.width + GAP for cell in cells)
    row = Image.new("RGB", (width, CELL_HEIGHT + GAP), PAPER)
    at = 0
    for cell in cells:
        row.paste(cell, (at, 0))
        at += cell.width + GAP
    return row


def _matte(picture: RGB, engine: PhotoEngine) -> RGB:
    found = engine.faces.detect(picture)
    if not found:
        return np.zeros_like(picture)
    alpha: Floats = alpha_of(picture, engine.faces.landmarks(picture, found[0]), engine)
    return np.repeat((255 * alpha).astype(np.uint8)[..., None], 3, axis=-1)


def _outlines(finished: RGB) -> list[RGB]:
    """Return two parts of the outline three times as large: beside the hair, on a shoulder."""
    wall = np.abs(finished.astype(int) - finished[2, 2]).max(axis=-1) < 12
    patches = []
    for share in (0.30, 0.80):
        row = round(share * finished.shape[0])
        inside = np.flatnonzero(~wall[row])
        left = int(inside[0]) if inside.size else finished.shape[1] // 2
        x = min(max(left - PATCH[0] // 2, 0), finished.shape[1] - PATCH[0])
        y = min(max(row - PATCH[1] // 2, 0), finished.shape[0] - PATCH[1])
        part = finished[y : y + PATCH[1], x : x + PATCH[0]]
        patches.append(cv2.resize(part, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_NEAREST))
    return patches


def _notes(title: str, result: PhotoResult) -> Image.Image:
    cell = Image.new("RGB", (TEXT_WIDTH, CELL_HEIGHT), PAPER)
    lines = [title, "accepted" if result.passed else "REFUSED"]
    lines += [f"{name} {value}" for name, value in result.geometry.items()]
    lines += [f"{c.severity}: {c.code} {c.value}" for c in result.checks if not c.passed]
    font = ImageFont.load_default(size=17)
    ImageDraw.Draw(cell).multiline_text((4, 4), "\n".join(lines), fill=INK, spacing=4, font=font)
    return cell


def _fit(picture: RGB) -> Image.Image:
    scale = CELL_HEIGHT / picture.shape[0]
    size = (max(round(picture.shape[1] * scale), 1), CELL_HEIGHT)
    return Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS)


def _stack(rows: list[Image.Image]) -> Image.Image:
    sheet = Image.new("RGB", (max(r.width for r in rows), sum(r.height for r in rows)), "white")
    at = 0
    for row in rows:
        sheet.paste(row, (0, at))
        at += row.height
    return sheet


def _beside(before: Path, after: Path) -> str:
    """Lay two sheets side by side and say which verdicts changed."""
    sheets = [Image.open(folder / SHEET) for folder in (before, after)]
    both = Image.new("RGB", (sum(s.width for s in sheets), max(s.height for s in sheets)), "white")
    both.paste(sheets[0], (0, 0))
    both.paste(sheets[1], (sheets[0].width, 0))
    both.save(after / "before-after.png")
    old, new = (json.loads((folder / "checks.json").read_text()) for folder in (before, after))
    changed = [
        f"changed: {title}: {_short(old[title])} -> {_short(new[title])}"
        for title in new
        if title in old and _short(old[title]) != _short(new[title])
    ]
    return "\n".join([str(after / "before-after.png"), *changed])


def _short(verdict: dict[str, object]) -> str:
    failed = verdict["failed"]
    assert isinstance(failed, dict)
    return f"{'accepted' if verdict['passed'] else 'refused'} {sorted(failed)}"
