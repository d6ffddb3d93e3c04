"""Private folders for Unix sockets whose paths fit the kernel's limit."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from backoffice.i18n import Text
from supervisor.console import SupervisorError

# sockaddr_un.sun_path holds 108 bytes on Linux (104 on macOS) including the closing zero.
LONGEST_PATH_BYTES = 103
LONGEST_NAME = ".s.PGSQL.5432"


class SocketFolderTaken(SupervisorError):
    """The fallback folder in the shared temp folder belongs to somebody else."""

    code = "socket_folder_taken"
    title = Text("无法使用套接字目录", "The socket folder cannot be used")
    detail = Text(
        "目录 {path} 属于其他用户，请删除它，或把 VAR_DIR 设为较短的路径后重试。",
        "The folder {path} belongs to somebody else; remove it or set VAR_DIR to a shorter path, then retry.",
    )


def fits(folder: Path) -> bool:
    """Return whether every socket we put into `folder` has a path the kernel accepts."""
    return len(os.fsencode(folder / LONGEST_NAME)) <= LONGEST_PATH_BYTES


def socket_folder(var: Path, server: str, owner: int) -> Path:
    """Return the private folder (mode 700, of user id `owner`) for the socket of `server`.

    It is VAR_DIR/run/<server>, or a short folder in the temp folder when that path is too long.
    The same `var` always gives the same folder, so a later command finds the running server.
    Raises SocketFolderTaken when another user made the fallback folder first.
    """
    folder = var / "run" / server
    if not fits(folder):
        name = hashlib.sha256(os.fsencode(var)).hexdigest()[:10]
        base = Path(tempfile.gettempdir()) / f"gpbo-{os.getuid()}-{name}"
        if not fits(base / server):
            base = Path("/tmp") / base.name  # noqa: S108 - checked below for its owner
        _make_private(base, os.getuid(), 0o711)
        folder = base / server
    _make_private(folder, owner, 0o700)
    return folder


def _make_private(folder: Path, owner: int, mode: int) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=mode, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.getuid(), owner):
        raise SocketFolderTaken(path=folder)
    if found.st_uid != owner:
        os.chown(folder, owner, -1)
    if stat.S_IMODE(found.st_mode) != mode:
        folder.chmod(mode)
