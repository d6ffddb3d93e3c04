"""The virtual environment: made once, completed when a requirements file changes, else untouched.

Standard library only: nothing is installed yet when this runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN, DEV = "requirements.txt", "requirements-dev.txt"
# pip's words for "this could not be fetched", as opposed to a fault of the package or the disk.
NETWORK_SIGNS = (
    "connection", "timed out", "temporary failure", "name resolution", "no matching distribution",
    "http error", "403 client error", "404 client error", "proxyerror", "sslerror", "network",
)  # fmt: skip


class SetupFailed(Exception):
    """Set-up cannot go on; both texts are one sentence saying what to do."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en

    def text(self, environ: dict[str, str]) -> str:
        """Return the sentence in the terminal's language; Chinese unless that is English."""
        names = ("LC_ALL", "LC_MESSAGES", "LANG")
        language = next((environ[n] for n in names if environ.get(n)), "")
        return self.en if language.lower().startswith("en") else self.zh


@dataclass(frozen=True)
class Environment:
    """The virtual environment of the checkout at `root`."""

    root: Path

    @property
    def folder(self) -> Path:
        """The environment itself."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def log(self) -> Path:
        """Everything pip said."""
        return self.root / "var" / "log" / "setup.log"

    @property
    def incomplete(self) -> Path:
        """Exists while packages are being installed: an interrupted set-up is started afresh."""
        return self.root / "var" / "setup.incomplete"

    def fingerprint(self, names: Sequence[str]) -> str:
        """Return a hash over the requirements files and the Python they are installed for."""
        digest = hashlib.sha256(f"{sys.version_info[0]}.{sys.version_info[1]}".encode())
        for name in names:
            digest.update((self.root / name).read_bytes())
        return digest.hexdigest()

    def stamp(self, dev: bool) -> Path:
        """The file that holds the fingerprint of what is installed."""
        return self.folder / (".stamp-dev" if dev else ".stamp-run")

    def complete(self, dev: bool) -> bool:
        """Return whether exactly the present requirements are installed (no process is started)."""
        stamp = self.stamp(dev)
        fresh = stamp.exists() and stamp.read_text() == self.fingerprint(wanted(dev))
        return fresh and self.python.exists() and not self.incomplete.exists()

    def ensure(self, dev: bool) -> bool:
        """Make or complete the environment; return False when there was nothing to do.

        Several commands may call this at once: one works, the others wait for it.
        Raises SetupFailed.
        """
        if self.complete(dev):
            return False
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(self.root / "var" / "setup.lock"):
            if self.complete(dev):
                return False
            self._install(dev)
        return True

    def _install(self, dev: bool) -> None:
        self.log.write_text("")
        fresh = self.incomplete.exists() or not self._usable()
        self.incomplete.touch()
        if fresh:
            print("创建虚拟环境 .venv … / creating .venv ...", flush=True)
            self._create()
        print("安装依赖（首次需几分钟）… / installing requirements ...", flush=True)
        files = [word for name in wanted(dev) for word in ("-r", str(self.root / name))]
        pip = ["-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
        # The lock names every package; --no-deps lets its overrides stand.
        options = ["--require-hashes", "--no-deps", "--progress-bar", "off", "--retries", "3"]
        if self._run([str(self.python), *pip, *options, *files]) != 0:
            raise self._download_failure()
        self.stamp(dev).write_text(self.fingerprint(wanted(dev)))
        if dev:  # the dev set contains the other one
            self.stamp(False).write_text(self.fingerprint(wanted(False)))
        self.incomplete.unlink()

    def _usable(self) -> bool:
        if not self.python.exists():
            return False
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        check = f"import sys, pip; sys.exit(sys.version[:4].strip('.') != {version!r})"
        return self._run([str(self.python), "-c", check]) == 0

    def _create(self) -> None:
        # We may be running in the very environment that is made anew: use the Python beneath it.
        base = getattr(sys, "_base_executable", sys.executable)
        if self._run([base, "-m", "venv", "--clear", str(self.folder)]) == 0:
            return
        if "ensurepip" in self.log.read_text():
            raise SetupFailed(
                "此 Python 缺少 venv 模块，请安装后重试（Debian：apt install python3-venv）。",
                "This Python lacks its venv module; install it (Debian: apt install python3-venv) "
                "and run the same command again.",
            )
        raise SetupFailed(
            f"无法创建虚拟环境 .venv，原因见 {self.log}。",
            f"The virtual environment .venv could not be made; see {self.log}.",
        )

    def _download_failure(self) -> SetupFailed:
        said = self.log.read_text(errors="replace").lower()
        if "do not match the hashes" in said:
            return SetupFailed(
                f"下载的软件包与锁定的校验和不符，已拒绝安装；请检查软件源，详情见 {self.log}。",
                "A downloaded package does not match its pinned hash and was refused; check the "
                f"package index, details in {self.log}.",
            )
        if "no space left" in said:
            return SetupFailed(
                "磁盘空间不足，无法安装依赖；请腾出约 3 GB 后重试。",
                "The disk is full; free about 3 GB and run the same command again.",
            )
        if any(sign in said for sign in NETWORK_SIGNS):
            return SetupFailed(
                f"依赖下载失败，请检查网络或软件源后重新运行同一命令；详情见 {self.log}。",
                "A package could not be downloaded; check the network or the package index and run "
                f"the same command again; details in {self.log}.",
            )
        return SetupFailed(
            f"依赖安装失败，详情见 {self.log}。",
            f"Installing the requirements failed; details in {self.log}.",
        )

    def _run(self, command: list[str]) -> int:
        with self.log.open("ab") as output:
            return subprocess.run(command, stdout=output, stderr=output, check=False).returncode


def wanted(dev: bool) -> list[str]:
    """Return the requirements files to install."""
    return [RUN, DEV] if dev else [RUN]


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold an inter-process lock; the kernel frees it when the holder dies."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Run set-up; return the exit status. Failures print one sentence."""
    try:
        Environment(root).ensure(dev="--dev" in arguments)
    except SetupFailed as error:
        print(error.text(dict(os.environ)), file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
