"""Every page of the back office that can be looked at, by the role that looks: for tests and pictures."""

from __future__ import annotations

from typing import Any

from backoffice.models import SeniorReviewer
from tests.admin.belongings import belongings
from tests.admin.house import House

NOBODY = ""


def furnish(house: House) -> dict[str, Any]:
    """Write one of everything for the first school; returns the ids. The reviewer is a senior."""
    ids = belongings(house, house.batches[0], house.orders, house.staff["admin"])
    house.session.add(SeniorReviewer(staff_id=house.staff["reviewer"].id))
    house.session.commit()
    return ids


def pages_of(house: House, ids: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the addresses below /admin/ by role; NOBODY for those before the log-in."""
    order, batch = house.orders["shipped"], house.batches[0]
    admin = (
        "", "account/", "account/second-factor", "change", "orders/", "orders/?state=paid",
        "orders/?state=draft&flagged=refund_failed", f"orders/{order.id}/",
        f"orders/{house.orders['rejected'].id}/", "photos/", "events/", "batches/", "batches/new/",
        f"batches/{batch.id}/", f"batches/{batch.id}/progress", f"batches/{batch.id}/people",
        f"batches/{batch.id}/remind", f"batches/edit/?id={batch.id}", "imports/",
        f"imports/{ids['imports']}/", "enrolments/", "requests/", "tickets/",
        f"tickets/{ids['tickets']}/", "reasons/", "reasons/edit/?id=P01", "reasons/new/",
        "standards/", f"standards/{order.standard_id}/", f"standards/{order.standard_id}/edit",
        "standards/new/", "review_figures/", "review_rules/", "bulk/", f"bulk/{ids['bulk']}/",
        "finance/", "payments/", "refunds/", "schools/", "schools/new/",
        f"schools/edit/?id={batch.school_id}", "staff/", "staff/new/",
        f"staff/edit/?id={house.staff['school'].id}", "workflow/", "outbox/", "exports/",
    )  # fmt: skip
    return {
        NOBODY: ("login", "invitation"),
        "admin": admin,
        "school": ("", "batches/", f"batches/{batch.id}/", "imports/", "enrolments/", "requests/"),
        "reviewer": ("", "review/", "review/sheet", "reasons/", "review_figures/", "opinions/",
                     f"orders/{house.orders['approved'].id}/"),
        "operator": ("", "fulfilment/", f"orders/{house.orders['processing'].id}/", "bulk/"),
        "finance": ("", "finance/", "refunds/", f"orders/{house.orders['refunding'].id}/"),
    }  # fmt: skip
