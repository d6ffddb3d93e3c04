"""`flask batch …`: open a batch, make its QR codes and posters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from backoffice.batches import operations, plans
from backoffice.cli.common import (
    CommandGroup,
    answer,
    database_command,
    json_option,
    reachable,
    transaction,
)
from backoffice.services import services

group = CommandGroup("batch", help="Collection batches.")


@group.command("create")
@click.option("--school", required=True, help="School code.")
@click.option("--name", required=True)
@click.option("--kind", type=click.Choice(["graduate", "freshman"]), default="graduate")
@click.option("--mode", type=click.Choice(["pay_first", "photo_first"]), default="pay_first")
@click.option("--roster-mode", type=click.Choice(["full", "minimal", "none"]), default="full")
@click.option("--standard", default=None, help="Photo standard, e.g. chsi-degree-blue.")
@click.option("--fee-fen", type=int, multiple=True, help="Portrait fee, then prints fee, in fen.")
@click.option("--reject-policy", type=click.Choice(["resubmit", "refund"]), default="resubmit")
@click.option("--legal-basis", default=None, help="Why the school may hand over a full roster.")
@click.option("--unpaid-minutes", type=int, default=30)
@click.option("--max-attempts", type=int, default=30)
@click.option("--album/--no-album", default=True, help="May students upload from the album?")
@click.option("--unlisted/--no-unlisted", default=False, help="May students join off the roster?")
@json_option
@database_command
def create(
    school: str,
    name: str,
    kind: str,
    mode: str,
    roster_mode: str,
    standard: str | None,
    fee_fen: tuple[int, ...],
    reject_policy: str,
    legal_basis: str | None,
    unpaid_minutes: int,
    max_attempts: int,
    album: bool,
    unlisted: bool,
    as_json: bool,
) -> None:
    """Open a batch and give it a feature code."""
    default_standard = "freshman-white" if kind == "freshman" else "chsi-degree-blue"
    plan = plans.BatchPlan(
        name=name,
        kind=kind,
        mode=mode,
        roster_mode=roster_mode,
        standard=standard or default_standard,
        reject_policy=reject_policy,
        legal_basis=legal_basis,
        services=plans.default_services(fee_fen),
        unpaid_minutes=unpaid_minutes,
        max_attempts=max_attempts,
        allow_album=album,
        allow_unlisted=unlisted,
    )
    with transaction() as session:
        batch = operations.create_batch(session, operations.find_school(session, school), plan)
        code = batch.feature_code
    url = f"{reachable(services().settings).public_url}/s/{code}"

    def lines() -> Iterator[str]:
        yield f"特征码 {code}"
        yield url

    answer({"feature_code": code, "url": url}, as_json, lines)


@group.command("qr")
@click.argument("code")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@json_option
@database_command
def qr(code: str, out: Path, as_json: bool) -> None:
    """Write the batch's QR code (PNG, SVG), the A4 poster and the per-class sheets (PDF)."""
    from backoffice.batches.printables import write_printables

    with transaction() as session:
        batch = operations.find_batch(session, code)
        files = write_printables(session, batch, reachable(services().settings), out)

    def lines() -> Iterator[str]:
        yield from map(str, files)

    answer({"files": [str(f) for f in files]}, as_json, lines)
