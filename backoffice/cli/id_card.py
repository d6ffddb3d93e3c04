"""`flask id-card …`: reading a picture of an ID card; needs no database and keeps nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from backoffice.cli.common import CommandGroup, answer, json_option, reports_errors

group = CommandGroup("id-card", help="Resident ID cards.")
LABELS = {
    "name": "姓名",
    "id_number": "公民身份号码",
    "gender": "性别",
    "birth_date": "出生",
    "address": "住址",
    "confidence": "可信度",
    "valid_checksum": "校验码正确",
}


@group.command("read", with_appcontext=False)
@click.argument("picture", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@reports_errors
def read(picture: Path, as_json: bool) -> None:
    """Read the portrait side of a resident ID card from a picture."""
    from backoffice.identity.id_card import IdCardReader
    from backoffice.identity.id_card_text import READING_SIDE
    from backoffice.photos.reading import decode

    rgb = decode(picture.read_bytes(), want_side=READING_SIDE).rgb
    card = IdCardReader().read(rgb).to_dict()

    def lines() -> Iterator[str]:
        for field, label in LABELS.items():
            yield f"{label}：{'—' if card[field] is None else card[field]}"

    answer(card, as_json, lines)
