"""What the desk's pages share: claiming, rendering a case, reading what the page sent."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import render_template, request

from backoffice.admin.language import locale
from backoffice.admin.moves import review_policy
from backoffice.admin.people import record
from backoffice.db import db
from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.models import SecondOpinion
from backoffice.review import cases, deciding, holds, leases, second_opinions
from backoffice.review.cases import Case, Held
from backoffice.review.deciding import Choice
from backoffice.review.queue import QueueFilter, Reviewer, unheld
from backoffice.review.reason_order import reasons_by_batch

AHEAD = 5  # photos on the desk: the one looked at and those fetched before they are needed
SKIPPED_AT_MOST = 200
OPINION_CHANCE = 0.25  # how often a refill brings a second opinion while some wait


def sit_down(who: Reviewer) -> None:
    """Begin with an empty desk: whatever an earlier page of this reviewer held goes back."""
    holds.give_back(db.session(), who.staff_id)


def claim(
    who: Reviewer,
    wanted: QueueFilter,
    count: int,
    *,
    skipped: tuple[uuid.UUID, ...] = (),
    opinions: bool = True,
) -> list[Case]:
    """Lease up to `count` photos and return them as cases. Records that they were opened.

    Among them, now and then, is a second opinion: it looks like any other.
    """
    session, now = db.session(), datetime.now(UTC)
    got = leases.claim(session, who.staff_id, unheld(who, wanted, now, skipped), count, now=now)
    held = [Held(order_id, token) for order_id, token in got]
    plain = opinions and not wanted.escalated
    if plain and (len(held) < count or random.random() < OPINION_CHANCE):  # noqa: S311
        opinion = second_opinions.claim(session, who, wanted, now=now)
        if opinion is not None:
            held.append(held_opinion(opinion))
    return load(held, escalated=wanted.escalated)


def held_opinion(opinion: SecondOpinion) -> Held:
    """Return a second opinion as the desk shows it: nothing of the first decision."""
    assert opinion.token is not None, "it was just taken"
    return Held(
        opinion.order_id,
        opinion.token,
        opinion.photo_id,
        opinion.event_sequence,
        opinion.created_at,
    )


def load(held: Sequence[Held], *, escalated: bool = False) -> list[Case]:
    """Return the cases of what was just claimed and record that they were opened."""
    found = cases.load(db.session(), held, escalated=escalated)
    for case in found:
        record("review:open", "photo", case.photo.id)
    return found


def rendered(found: Sequence[Case]) -> list[str]:
    """Return the cases as pieces of the page."""
    texts = cases.reason_texts(db.session(), found)
    return [
        render_template(
            "backoffice/review_case.html", case=case, texts=texts, language=locale()
        ).strip()
        for case in found
    ]


def panels(found: Iterable[Case], known: Sequence[str] = ()) -> dict[str, str]:
    """Return the reason panels these cases need and the page does not have."""
    wanted = {panel_key(case): case.panel for case in found}
    missing = {key: panel for key, panel in wanted.items() if key not in known}
    if not missing:
        return {}
    ordered = reasons_by_batch(db.session(), set(missing.values()))
    return {
        key: render_template(
            "backoffice/review_panel.html", key=key, reasons=ordered[panel]
        ).strip()
        for key, panel in missing.items()
    }


def panel_key(case: Case) -> str:
    """Return the name of the reason panel a case is judged with."""
    batch_id, standard = case.panel
    return f"{batch_id.hex}-{standard}"


def undo_list(staff_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return what this reviewer can take back now, newest first, for the page."""
    now = datetime.now(UTC)
    found = deciding.undoable(db.session(), staff_id, review_policy(), now)
    return [
        {
            "order": str(one.order_id),
            "number": one.number,
            "name": one.name_masked,
            "decision": one.decision,
            "left_ms": int((one.until - now).total_seconds() * 1000),
        }
        for one in found
    ]


# -- what the page sent -------------------------------------------------------------------


def body() -> Mapping[str, Any]:
    """Return the JSON object of this call. Raises InvalidInput."""
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict):
        raise _malformed("body")
    return sent


def id_of(sent: Mapping[str, Any], name: str) -> uuid.UUID:
    """Return an id. Raises InvalidInput."""
    try:
        return uuid.UUID(str(sent.get(name)))
    except ValueError:
        raise _malformed(name) from None


def ids_of(sent: Mapping[str, Any], name: str) -> tuple[uuid.UUID, ...]:
    """Return a list of ids, the newest of too many; what is no id is left out."""
    found = []
    listed = sent.get(name)
    for raw in listed if isinstance(listed, list) else ():
        try:
            found.append(uuid.UUID(str(raw)))
        except ValueError:
            continue
    return tuple(found[-SKIPPED_AT_MOST:])


def choice_of(sent: Mapping[str, Any]) -> Choice:
    """Return the decision a call carries. Raises InvalidInput."""
    decision, version, looked = sent.get("decision"), sent.get("version"), sent.get("looked_ms")
    if decision not in ("approve", "reject"):
        raise _malformed("decision")
    if type(version) is not int:
        raise _malformed("version")
    return Choice(
        order_id=id_of(sent, "order"),
        photo_id=id_of(sent, "photo"),
        token=id_of(sent, "token"),
        version=version,
        decision=decision,
        data={"reasons": sent.get("reasons"), "note": sent.get("note")},
        looked_ms=looked if type(looked) is int else None,
    )


def _malformed(field: str) -> InvalidInput:
    return InvalidInput(
        field,
        Text(
            "页面发来的内容不完整，请刷新页面后重试。",
            "The page sent something incomplete; reload it.",
        ),
    )
