"""`flask batch …`: open a batch, lead it through its life, make its QR codes and posters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from backoffice.batches import life, operations, plans
from backoffice.batches.board import board
from backoffice.batches.changes import COMMAND
from backoffice.batches.defaults import copied_plan
from backoffice.batches.stage_names import STAGE_NAMES
from backoffice.batches.stages import Stage
from backoffice.cli.common import (
    CommandGroup,
    answer,
    database_command,
    json_option,
    reachable,
    transaction,
)
from backoffice.cli.progress import progress_bar
from backoffice.models import Batch
from backoffice.models.vocabulary import BatchState, DeliveryMethod
from backoffice.photos.layouts import LAYOUTS
from backoffice.services import services

group = CommandGroup("batch", help="Collection batches.")
LOCAL = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"])


def _utc(local: datetime | None) -> datetime | None:
    """Return the moment a person meant by a clock time (setting TIMEZONE)."""
    if local is None:
        return None
    return local.replace(tzinfo=ZoneInfo(services().settings.timezone)).astimezone(UTC)


def _code_answer(code: str, as_json: bool) -> None:
    url = f"{reachable(services().settings).public_url}/s/{code}"

    def lines() -> Iterator[str]:
        yield f"特征码 {code}"
        yield url

    answer({"feature_code": code, "url": url}, as_json, lines)


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
@click.option("--opens", type=LOCAL, default=None, help="Clock time, e.g. 2027-03-01T08:00; now.")
@click.option("--closes", type=LOCAL, default=None, help="Clock time; 60 days after the start.")
@click.option("--delivery", type=click.Choice([m.value for m in DeliveryMethod]), multiple=True)
@click.option("--layout", type=click.Choice(list(LAYOUTS)), multiple=True, help="Print sheets.")
@click.option("--draft", is_flag=True, help="Keep it closed to students for now.")
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
    opens: datetime | None,
    closes: datetime | None,
    delivery: tuple[str, ...],
    layout: tuple[str, ...],
    draft: bool,
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
        opens_at=_utc(opens),
        closes_at=_utc(closes),
        delivery_methods=delivery or plans.BatchPlan.delivery_methods,
        layouts=layout or None,
        state=BatchState.DRAFT if draft else BatchState.OPEN,
        services=plans.default_services(fee_fen),
        unpaid_minutes=unpaid_minutes,
        max_attempts=max_attempts,
        allow_album=album,
        allow_unlisted=unlisted,
    )
    with transaction() as session:
        batch = operations.create_batch(session, operations.find_school(session, school), plan)
        code = batch.feature_code
    _code_answer(code, as_json)


@group.command("qr")
@click.argument("code")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@json_option
@database_command
def qr(code: str, out: Path, as_json: bool) -> None:
    """Write the batch's QR code (PNG, SVG), the A4 poster and the per-class sheets (PDF).

    With a mini-program configured (WECHAT_CODE_PAGE) its code as well.
    """
    from backoffice.batches.printables import write_printables
    from backoffice.fulfilment.mini_program_code import (
        mini_program_code,
        offers_mini_program_codes,
    )

    with transaction() as session, progress_bar("个人码", as_json) as progress:
        batch = operations.find_batch(session, code)
        settings = reachable(services().settings)
        files = write_printables(session, batch, settings, out, progress=progress)
        if offers_mini_program_codes(settings):
            data, ending = mini_program_code(settings, batch.feature_code)
            files.append(out / f"{batch.feature_code}-mini-program.{ending}")
            files[-1].write_bytes(data)

    def lines() -> Iterator[str]:
        yield from map(str, files)

    answer({"files": [str(f) for f in files]}, as_json, lines)


@group.command("copy")
@click.argument("code")
@click.option("--name", default=None, help="Empty: the old name, its year moved on.")
@json_option
@database_command
def copy(code: str, name: str | None, as_json: bool) -> None:
    """Open a batch like another one, from tomorrow on and as long, with a code of its own."""
    from dataclasses import replace

    with transaction() as session:
        source = operations.find_batch(session, code)
        plan = copied_plan(session, source, ZoneInfo(services().settings.timezone))
        plan = replace(plan, name=name or plan.name)
        batch = operations.create_batch(session, source.school, plan, COMMAND, source)
        new_code = batch.feature_code
    _code_answer(new_code, as_json)


@group.command("step")
@click.argument("code")
@click.argument("action", type=click.Choice([str(action) for action in life.STEPS]))
@click.option("--closes", type=LOCAL, default=None, help="New end, for extend, open and reopen.")
@json_option
@database_command
def step(code: str, action: str, closes: datetime | None, as_json: bool) -> None:
    """Open, extend, close, reopen, archive a batch, or bring it back; recorded as a command's."""
    with transaction() as session:
        batch = operations.find_batch(session, code)
        life.take_step(session, batch, action, COMMAND, _utc(closes))
        result = _state_of(batch)

    def lines() -> Iterator[str]:
        yield f"{result['feature_code']}：{result['state']}，{result['closes_at']} 结束"

    answer(result, as_json, lines)


def _state_of(batch: Batch) -> dict[str, Any]:
    return {
        "feature_code": batch.feature_code,
        "state": str(batch.state),
        "opens_at": batch.opens_at.astimezone(UTC).isoformat(timespec="seconds"),
        "closes_at": batch.closes_at.astimezone(UTC).isoformat(timespec="seconds"),
    }


@group.command("progress")
@click.argument("code")
@json_option
@database_command
def progress(code: str, as_json: bool) -> None:
    """Say how many students stand where, all together and by class."""
    with transaction() as session:
        found = board(session, operations.find_batch(session, code).id)
    result = {
        "students": found.whole.total,
        "stages": {stage.value: found.whole.counts[stage] for stage in Stage},
        "classes": [
            {
                "college": ref.college,
                "class_name": ref.class_name,
                "students": figures.total,
                "stages": {stage.value: figures.counts[stage] for stage in Stage},
            }
            for ref, figures in found.classes.items()
        ],
    }

    def lines() -> Iterator[str]:
        yield f"共 {found.whole.total} 人"
        for stage in Stage:
            name, count = STAGE_NAMES[stage].zh, found.whole.counts[stage]
            yield f"{name}\t{count}\t{found.whole.share(stage):.1%}"

    answer(result, as_json, lines)
