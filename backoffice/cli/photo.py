"""`flask photo …`: the pipeline and the print sheets on single files; needs no database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from backoffice.cli.common import CommandGroup, Failure, answer, json_option, reports_errors
from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.settings import load_settings

group = CommandGroup("photo", help="Pictures.")
MEASURED = ("hair_top", "eye_line", "face_width", "centre_offset", "eye_angle")
IN = click.Path(exists=True, dir_okay=False, path_type=Path)
OUT = click.Path(dir_okay=False, path_type=Path)


@group.command("process", with_appcontext=False)
@click.argument("source", metavar="IN", type=IN)
@click.argument("out", type=OUT)
@click.option("--standard", default="chsi-degree-blue", show_default=True)
@json_option
@reports_errors
def process(source: Path, out: Path, standard: str, as_json: bool) -> None:
    """Turn a phone picture into the finished portrait; a refused picture exits 1 without OUT."""
    from backoffice.photos.pipeline import PhotoEngine
    from backoffice.photos.pipeline import process as process_photo
    from backoffice.photos.standards import BUILTIN

    if standard not in BUILTIN:
        known = ", ".join(sorted(BUILTIN))
        raise InvalidInput(
            "standard", Text(f"没有这个标准；可用：{known}。", f"Unknown standard; known: {known}.")
        )
    settings = load_settings()
    engine = PhotoEngine(settings.models, settings.matting_model)
    result = process_photo(source.read_bytes(), BUILTIN[standard], engine)
    report = result.to_dict("zh")
    # A refused picture answers in the same shape: what was not measured is null.
    report["geometry"] = dict.fromkeys(MEASURED) | report["geometry"]
    if result.passed and result.jpeg is not None:
        out.write_bytes(result.jpeg)
    else:
        out.unlink(missing_ok=True)  # an older result must not pass for this picture's

    def lines() -> Iterator[str]:
        yield "通过" if result.passed else "不通过"
        for check in report["checks"]:
            mark = "✓" if check["passed"] else "✗"
            yield f"  {mark} {check['code']} = {check['value']} {check['limits']} {check['advice']}"

    answer(report, as_json, lines)
    if not result.passed:
        raise Failure()


@group.command("sheet", with_appcontext=False)
@click.argument("source", metavar="IN", type=IN)
@click.argument("out", metavar="OUT.pdf", type=OUT)
@click.option("--layout", required=True)
@click.option(
    "--caption", default=None, help="Text below each print, e.g. name and student number."
)
@json_option
@reports_errors
def sheet(source: Path, out: Path, layout: str, caption: str | None, as_json: bool) -> None:
    """Lay a finished portrait out on photo paper."""
    from backoffice.photos.layouts import LAYOUTS, render_sheet
    from backoffice.photos.reading import decode

    if layout not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise InvalidInput(
            "layout", Text(f"没有这个版式；可用：{known}。", f"Unknown layout; known: {known}.")
        )
    chosen, data = LAYOUTS[layout], source.read_bytes()
    decode(data)  # says in a sentence what is wrong with the picture
    out.write_bytes(render_sheet(data, chosen, caption))

    def lines() -> Iterator[str]:
        yield str(out)

    answer({"pages": 1, "paper": chosen.paper}, as_json, lines)
