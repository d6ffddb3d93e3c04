"""`photo process` and `photo sheet` on real files: no database, real pipeline."""

from __future__ import annotations

import json

import pypdfium2
import pytest
import skimage.data
from flask import Flask
from PIL import Image

from backoffice import cli
from backoffice.photos.layouts import LAYOUTS

FIELDS = {"passed", "checks", "geometry", "bytes", "quality", "seconds", "cpu_seconds"}
GEOMETRY = {"hair_top", "eye_line", "face_width", "centre_offset", "eye_angle"}
CHECK = {"code", "passed", "value", "limits", "severity", "advice"}


@pytest.fixture(scope="module")
def photo(photo_models):
    """Run a command of an application without database, settings or servers."""
    app = Flask("bare")
    cli.init_app(app)
    environment = {"MODELS_DIR": str(photo_models), "APP_ENV": "test"}

    def call(*arguments):
        words = ["photo", *map(str, arguments)]
        result = app.test_cli_runner().invoke(args=words, env=environment)
        return result.exit_code, result.stdout, result.stderr

    return call


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))


def test_a_portrait_is_finished_and_laid_out(photo, tmp_path):
    source, out = tmp_path / "in.png", tmp_path / "out.jpg"
    Image.fromarray(skimage.data.astronaut()).save(source)
    status, stdout, _ = photo("process", source, out, "--json")
    report = json.loads(stdout)
    assert status == 0
    assert set(report) >= FIELDS
    assert report["passed"] is True
    assert all(set(check) >= CHECK for check in report["checks"])
    assert set(report["geometry"]) >= GEOMETRY
    assert report["bytes"] == out.stat().st_size
    assert Image.open(out).size == (480, 640)

    sheet = tmp_path / "sheet.pdf"
    layout = next(iter(LAYOUTS))
    arguments = ("sheet", out, sheet, "--layout", layout, "--caption", "吴小兰", "--json")
    status, stdout, _ = photo(*arguments)
    assert (status, json.loads(stdout)) == (0, {"pages": 1, "paper": LAYOUTS[layout].paper})
    assert len(pypdfium2.PdfDocument(sheet)) == 1


@pytest.mark.parametrize("content", ["wall", "pdf"])
def test_a_refused_picture_has_the_same_shape_and_no_file(photo, tmp_path, content):
    source, out = tmp_path / "in.png", tmp_path / "out.jpg"
    if content == "wall":
        Image.new("RGB", (600, 800), (214, 214, 214)).save(source)
    else:
        source.write_bytes(b"%PDF-1.7 this is no picture")
    status, stdout, _ = photo("process", source, out, "--json")
    report = json.loads(stdout)
    assert status == 1
    assert set(report) >= FIELDS
    assert report["passed"] is False
    assert set(report["geometry"]) >= GEOMETRY
    failed = [check for check in report["checks"] if not check["passed"]]
    assert failed
    assert all(check["advice"] for check in failed)
    assert not out.exists()
    status, stdout, _ = photo("process", source, out)
    assert status == 1
    assert stdout.startswith("不通过")


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("process", "IN", "OUT", "--standard", "no-such", "--json"), 1, "invalid_input"),
        (("sheet", "IN", "OUT", "--layout", "no-such", "--json"), 1, "invalid_input"),
        (("process", "missing.jpg", "OUT"), 2, None),
        (("sheet", "IN", "OUT"), 2, None),
        (("process", "missing.jpg", "OUT", "--json"), 2, "usage"),
        (("sheet", "IN", "OUT", "--json"), 2, "usage"),
    ],
)
def test_what_is_not_there_is_said(photo, tmp_path, arguments, status, code):
    source, out = tmp_path / "in.png", tmp_path / "out"
    Image.new("RGB", (60, 80)).save(source)
    places = {"IN": source, "OUT": out}
    exit_status, stdout, stderr = photo(*[places.get(a, a) for a in arguments])
    assert exit_status == status
    assert not out.exists()
    if code:
        assert json.loads(stdout)["error"]["code"] == code
    else:
        assert "Error" in stderr


def test_a_sheet_of_no_picture_is_a_sentence(photo, tmp_path):
    source, out = tmp_path / "in.jpg", tmp_path / "out.pdf"
    source.write_bytes(b"%PDF-1.7 this is no picture")
    status, stdout, _ = photo("sheet", source, out, "--layout", next(iter(LAYOUTS)), "--json")
    assert status == 1
    assert json.loads(stdout)["error"]["code"] == "not_an_image"
    assert not out.exists()
