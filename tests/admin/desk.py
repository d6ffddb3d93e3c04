"""The desk as its script uses it: cases out of the page, decisions as JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select, update

from backoffice.models import Order, ReviewDecision, ReviewLease
from tests.admin.house import House, token_of

CASE = re.compile(r'<article class="rd-case"([^>]*)>')
TILE = re.compile(r'<li class="rs-tile"([^>]*)>')
DATA = re.compile(r'data-([a-z]+)="([^"]*)"')


@dataclass(frozen=True)
class Shown:
    """A photo as the page shows it: what a decision has to bring back."""

    order: str
    photo: str
    token: str
    version: int
    panel: str
    suggested: str

    def choice(self, decision: str = "approve", *reasons: str, **more: Any) -> dict[str, Any]:
        """What the page would send."""
        return {
            "order": self.order,
            "photo": self.photo,
            "token": self.token,
            "version": self.version,
            "decision": decision,
            "reasons": list(reasons),
        } | more


def shown_in(html: str, pattern: re.Pattern[str] = CASE) -> list[Shown]:
    found = [dict(DATA.findall(match)) for match in pattern.findall(html)]
    return [
        Shown(d["order"], d["photo"], d["token"], int(d["version"]), d["panel"], d["suggested"])
        for d in found
    ]


class Desk:
    """One reviewer's desk page."""

    def __init__(self, house: House, who: Any = "reviewer") -> None:
        self.client: FlaskClient = house.client(who)
        self.csrf = token_of(self.client)
        self.text = ""

    def open(self, query: str = "") -> list[Shown]:
        """Load the page and return what lies on it, the first one in front."""
        self.text = self.client.get(f"/admin/review/{query}").get_data(as_text=True)
        return shown_in(self.text)

    def sheet(self, query: str = "") -> list[Shown]:
        self.text = self.client.get(f"/admin/review/sheet{query}").get_data(as_text=True)
        return shown_in(self.text, TILE)

    def call(self, name: str, **data: Any) -> Any:
        return self.client.post(
            f"/admin/review/{name}", json=data, headers={"X-CSRFToken": self.csrf}
        )

    def decide(self, shown: Shown, decision: str = "approve", *reasons: str, **more: Any) -> Any:
        return self.call("decide", **shown.choice(decision, *reasons, **more))

    def claim(self, want: int = 5, **data: Any) -> list[Shown]:
        return [
            s
            for html in self.call("claim", want=want, **data).json["cases"]
            for s in shown_in(html)
        ]


def decisions(house: House) -> list[tuple[str, str]]:
    house.session.rollback()
    return [
        (str(d.order_id), d.decision)
        for d in house.session.scalars(select(ReviewDecision).order_by(ReviewDecision.created_at))
    ]


def state(house: House, order: Order) -> str:
    house.session.rollback()
    house.session.expire_all()
    return order.state


def orders_of(shown: list[Shown]) -> list[str]:
    return [s.order for s in shown]


def run_out(house: House) -> None:
    """Nobody has given a sign of life for longer than a lease lasts."""
    house.session.execute(update(ReviewLease).values(expires_at=datetime.now(UTC)))
    house.session.commit()
