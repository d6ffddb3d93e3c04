"""Measuring what came out, with nothing of the pipeline's own numbers."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from demo.report import Report

BLUE = (100, 197, 255)


def prove_portrait(report: Report, data: bytes) -> None:
    """Check a finished picture by CONTRACT section 7: size, dpi, bytes, background, no EXIF."""
    picture = Image.open(io.BytesIO(data))
    report.expect("format", picture.format, "JPEG")
    report.expect("size", picture.size, (480, 640))
    report.expect("dpi", tuple(round(d) for d in picture.info.get("dpi", ())), (300, 300))
    report.require(f"{len(data)} bytes are 20-40 KB", 20_000 <= len(data) <= 40 * 1024)
    report.expect("EXIF fields", len(picture.getexif()), 0)
    report.expect("baseline", bool(picture.info.get("progressive")), False)
    pixels = np.asarray(picture.convert("RGB"), int)
    corners = np.concatenate([pixels[:24, :24].reshape(-1, 3), pixels[:24, -24:].reshape(-1, 3)])
    report.require(
        "the corners are the background", (np.abs(corners - BLUE).max(axis=1) <= 2).all()
    )


def prove_package(report: Report, path: Path, expected_numbers: set[str]) -> list[str]:
    """Check the export package: exactly these students' pictures, hashes as the manifest says.

    Returns the student numbers of the exceptions list.
    """
    with zipfile.ZipFile(path) as package:
        report.expect("damaged member", package.testzip(), None)
        rows = list(csv.reader(io.StringIO(package.read("manifest.csv").decode("utf-8-sig"))))
        header, body = rows[0], rows[1:]
        columns = {name: header.index(name) for name in ("学号", "文件", "SHA-256")}
        report.expect(
            "students in the package", {r[columns["学号"]] for r in body}, expected_numbers
        )
        for row in body:
            data = package.read(row[columns["文件"]])
            report.expect("SHA-256", hashlib.sha256(data).hexdigest(), row[columns["SHA-256"]])
            prove_portrait(report, data)
        missing = list(csv.reader(io.StringIO(package.read("exceptions.csv").decode("utf-8-sig"))))
        return [row[0] for row in missing[1:]]
