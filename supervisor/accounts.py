"""The account PostgreSQL runs under: our own, or another one when we are root (it refuses root)."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

SERVICE_ACCOUNT = "pgserver"


@dataclass(frozen=True)
class Account:
    """User and group id a server process runs with; `switch` is False when they are ours already."""

    uid: int
    gid: int
    switch: bool


def database_account(data: Path) -> Account:
    """Return the account for the PostgreSQL data folder `data`.

    Not root: our own. Root: the owner of existing data, else `postgres`, else a system account
    made with useradd, else `nobody`.
    """
    if os.geteuid() != 0:
        return Account(os.getuid(), os.getgid(), switch=False)
    if data.exists() and data.stat().st_uid != 0:
        found = data.stat()
        return Account(found.st_uid, found.st_gid, switch=True)
    entry = _lookup("postgres") or _lookup(SERVICE_ACCOUNT) or _create() or pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def _lookup(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd | None:
    try:
        command = ["useradd", "--system", "--shell", "/usr/sbin/nologin", SERVICE_ACCOUNT]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return _lookup(SERVICE_ACCOUNT)


def allow_passage(path: Path) -> None:
    """Let other accounts pass through (not list) the folders above `path`."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def allow_reading(tree: Path) -> None:
    """Let other accounts read `tree`, as a strict umask at installation may have forbidden."""
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | stat.S_IROTH
        if path.is_dir() or mode & stat.S_IXUSR:
            wanted |= stat.S_IXOTH
        if wanted != mode:
            path.chmod(wanted)
