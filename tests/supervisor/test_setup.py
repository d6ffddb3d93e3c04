"""Set-up of a fresh checkout, with real venv and pip but a requirement of our own making."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from backoffice.settings import ROOT

BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)


def make_wheel(folder: Path, version: str) -> str:
    """Write a wheel of the package `tinypackage`; return its line for requirements.txt."""
    folder.mkdir(exist_ok=True)
    info = f"tinypackage-{version}.dist-info"
    members = {
        "tinypackage.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tinypackage\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = []
    for name, text in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        record.append(f"{name},sha256={digest.rstrip('=')},{len(text)}")
    members[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    path = folder / f"tinypackage-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in members.items():
            wheel.writestr(name, text)
    return f"tinypackage=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Checkout:
    """A copy of the set-up files in an empty folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT / "tools", root / "tools")
        for name in ("bootstrap.py", "Makefile"):
            shutil.copy(ROOT / name, root / name)
        self.wheels = root / "wheels"
        self.require("1.0")
        (root / "requirements-dev.txt").write_text("")

    def require(self, version: str) -> None:
        (self.root / "requirements.txt").write_text(make_wheel(self.wheels, version))

    def start(self, **env: str) -> subprocess.Popen[str]:
        environ = {
            "PATH": f"{Path(BASE_PYTHON).parent}:{os.environ['PATH']}",
            "LANG": "en_US.UTF-8",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            **env,
        }
        return subprocess.Popen(
            ["/bin/sh", "tools/setup.sh"],
            cwd=self.root,
            env={k: v for k, v in environ.items() if v},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, **env: str) -> tuple[int, str, str]:
        process = self.start(**env)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def installed(self) -> str:
        code = "import tinypackage; print(tinypackage.VERSION)"
        command = [str(self.root / ".venv/bin/python"), "-c", code]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


def test_two_at_once_make_one_environment_and_a_warm_start_does_nothing(checkout):
    both = [checkout.start(), checkout.start()]
    results = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    assert sum("installing" in out for out, _ in results) == 1
    assert checkout.installed() == "1.0"

    began = time.monotonic()
    assert checkout.run(PIP_FIND_LINKS="/nowhere") == (0, "", "")
    assert time.monotonic() - began < 2

    checkout.require("1.1")  # a changed requirements file is noticed
    assert checkout.run()[0] == 0
    assert checkout.installed() == "1.1"


def test_an_interrupted_set_up_is_started_afresh(checkout):
    assert checkout.run()[0] == 0
    (checkout.root / "var" / "setup.incomplete").touch()
    broken = next((checkout.root / ".venv").glob("lib/*/site-packages/tinypackage.py"))
    broken.unlink()  # pip alone would call it installed
    assert checkout.run()[0] == 0
    assert checkout.installed() == "1.0"


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        (
            {
                "PIP_NO_INDEX": "",
                "PIP_FIND_LINKS": "",
                "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
            },
            "A package could not be downloaded; check the network",
        ),
        ({"PIP_FIND_LINKS": "WRONG"}, "does not match its pinned hash"),
    ],
)
def test_a_failed_download_is_one_sentence_and_the_next_run_recovers(checkout, env, sentence):
    if "WRONG" in env.values():
        other = checkout.root / "other"
        make_wheel(other, "1.0")
        wheel = next(other.iterdir())
        with zipfile.ZipFile(wheel, "a") as changed:
            changed.writestr("extra.py", "")
        env = {"PIP_FIND_LINKS": str(other)}
    code, _, err = checkout.run(**env)
    assert code == 1
    assert err.count("\n") == 1
    assert sentence in err
    assert "setup.log" in err
    assert "Traceback" not in err

    assert checkout.run()[0] == 0
    assert checkout.installed() == "1.0"


def test_the_sentence_is_chinese_by_default(checkout):
    env = {"PIP_NO_INDEX": "", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": "http://127.0.0.1:1/simple"}
    assert "依赖下载失败" in checkout.run(LANG="C.UTF-8", **env)[2]


def run_make(checkout: Checkout, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("make") or "make", "setup"],
        cwd=checkout.root,
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_python_is_one_sentence(checkout, tmp_path):
    (tmp_path / "bin").mkdir()
    result = run_make(checkout, tmp_path / "bin")
    assert result.returncode != 0
    lines = [line for line in result.stderr.splitlines() if not line.startswith("make")]
    assert len(lines) == 1
    assert "Python 3.11 or newer is needed" in lines[0]
    assert "需要 Python 3.11" in lines[0]


def test_an_old_python_is_passed_over_and_told_what_is_missing(checkout, tmp_path):
    """An interpreter that says it is 3.9: not taken by setup.sh, and bootstrap.py explains."""
    pretend = "import sys; sys.version_info = (3, 9, 2); exec(open('bootstrap.py').read())"
    result = subprocess.run(
        [sys.executable, "-c", pretend], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr.startswith("Python 3.11 or newer is needed, this is 3.9; install it")

    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").write_text("#!/bin/sh\nexit 1\n")
    (folder / "python3").chmod(0o755)
    assert "Python 3.11 or newer is needed" in run_make(checkout, folder).stderr


def test_bootstrap_parses_on_the_oldest_pythons():
    import ast

    ast.parse((ROOT / "bootstrap.py").read_text(), feature_version=(3, 4))
