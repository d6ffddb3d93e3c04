"""Play the main job once on the real stack: `make demo`. Exit status 1 names what did not hold."""

from __future__ import annotations

import shutil
import sys

from backoffice.photos.fetch import fetch_portraits
from backoffice.settings import ROOT
from demo.portraits import make_pictures
from demo.report import Report, StepFailed
from demo.stack import running_stack
from demo.story import Story

OUT = ROOT / "var" / "demo"


def main() -> int:
    """Run the demo; the produced files stay under var/demo."""
    report = Report()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    try:
        with report.step("Pictures: astronaut, official portraits, degraded ones"):
            portraits = ROOT / "var" / "portraits"
            fetch_portraits(portraits)
            pictures = make_pictures(OUT / "originals", portraits)
        with running_stack(OUT / "data") as stack:
            Story(stack, report, pictures, OUT).play()
    except StepFailed as failure:
        print(f"  ✗ {failure}", file=sys.stderr)
        return 1
    print(f"\n{report.summary()} Files: {OUT.relative_to(ROOT)}/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
