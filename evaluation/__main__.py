"""`make eval [DIR=…] [STANDARD=…]` and `make photo-sheet OUT=… [BEFORE=…]`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from backoffice.photos.pipeline import PhotoEngine
from backoffice.photos.standards import BUILTIN
from backoffice.settings import load_settings
from evaluation import document
from evaluation.cases import FolderNotUsable, from_folder
from evaluation.own_set import own_set
from evaluation.scoring import evaluate
from evaluation.table import show


def main(arguments: list[str]) -> int:
    """Evaluate, draw the contact sheet, or write the tables of docs/photos.md.

    Returns 0, or 2 for a folder that cannot be used.
    """
    options = _options(arguments)
    if options.what == "document":
        print(document.write())
        return 0
    settings = load_settings()
    engine = PhotoEngine(settings.models, settings.matting_model)
    portraits = Path(options.portraits) if options.portraits else None
    standard = BUILTIN[options.standard]
    try:
        if options.what == "sheet":
            from evaluation.sheet import draw

            print(draw(engine, portraits, standard, Path(options.out), options.before or None))
            return 0
        folder = Path(options.dir) if options.dir else None
        cases = own_set(engine, portraits) if folder is None else from_folder(folder)
        report = evaluate(cases, standard, engine)
    except FolderNotUsable as error:
        print(error, file=sys.stderr)
        return 2
    print(show(report))
    if options.json:
        Path(options.json).write_text(json.dumps(asdict(report), ensure_ascii=False, indent=1))
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    parser.add_argument("what", choices=("table", "sheet", "document"))
    parser.add_argument("--dir", help="folder of labelled pictures; default: the own set")
    parser.add_argument("--standard", default="chsi-degree-blue", choices=sorted(BUILTIN))
    parser.add_argument("--portraits", help="folder of the fetched public-domain portraits")
    parser.add_argument("--json", help="also write the report there")
    parser.add_argument("--out", default="var/photo-sheet", help="folder of the contact sheet")
    parser.add_argument("--before", help="an earlier sheet's folder to stand beside")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
