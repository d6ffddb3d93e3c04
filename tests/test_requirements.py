"""What runs imports only what requirements.txt installs: a fresh machine has nothing else."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions

from backoffice.settings import ROOT

RUNNING = (
    "backoffice",
    "student_api",
    "payment_pages",
    "worker",
    "supervisor",
    "demo",
    "evaluation",
)


def imported() -> set[str]:
    """Return the top-level names that the running packages import, anywhere in a file."""
    files = [ROOT / "wsgi.py", *(f for name in RUNNING for f in (ROOT / name).rglob("*.py"))]
    names = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    return {name.partition(".")[0] for name in names}


def plain(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_every_import_is_installed_by_the_requirements():
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.txt").read_text(), re.M))
    offers = packages_distributions()
    outside = imported() - set(sys.stdlib_module_names) - {*RUNNING, "tools", "wsgi"}
    assert len(outside) > 30
    missing = {name for name in outside if not {plain(d) for d in offers.get(name, [])} & pinned}
    assert missing == set()
