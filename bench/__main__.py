"""Run all benchmarks, or those named: `python -m bench [engine …]`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
BENCHMARKS = (
    "engine",
    "history",
    "photos",
    "documents",
    "codes",
    "api",
    "rosters",
    "desk",
    "sizes",
)


def main(names: list[str]) -> int:
    """Print one table; the exit status says only whether everything ran."""
    from bench.servers import bench_settings
    from bench.table import show

    rows = []
    with bench_settings() as settings:
        for name in names or BENCHMARKS:
            rows += importlib.import_module(f"bench.{name}").run(settings)
    print(show(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
