"""Pages of lists, searches and the dashboard in the real application (compared by `bench.sizes`)."""

from __future__ import annotations

import time
from typing import Any

from backoffice.models import Order


class Reading:
    """Somebody who opens one page after the other."""

    def __init__(self, client: Any, known: Order) -> None:
        self.client = client
        self.paths = _paths(client, known)

    def step(self) -> dict[str, float]:
        """Return how long each page took, in milliseconds."""
        return {name: self._get(path) for name, path in self.paths.items()}

    def count_anew(self) -> float:
        """Return how long the dashboard takes when every figure on it has to be counted."""
        from backoffice.admin import keeping

        keeping._kept.clear()
        return self._get("/admin/")

    def _get(self, path: str) -> float:
        began = time.perf_counter()
        answer = self.client.get(path)
        milliseconds = (time.perf_counter() - began) * 1000
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        return milliseconds


def _paths(client: Any, known: Order) -> dict[str, str]:
    from tests.admin.house import post

    deep = client.get("/admin/orders/?sort=created_at").text
    after = deep.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    search = {
        term: post(client, "/admin/orders/find", term=term).location
        for term in (known.number, known.enrolment.student_no, known.student.phone)
    }
    return {
        "orders, first page": "/admin/orders/",
        "orders, a later page": after,
        "orders waiting for review": "/admin/orders/?state=pending_review",
        "orders of a batch": f"/admin/orders/?batch={known.batch_id}",
        "enrolments": "/admin/enrolments/",
        "payments": "/admin/payments/?status=succeeded",
        "search by order number": search[known.number],
        "search by student number": search[known.enrolment.student_no],
        "search by phone": search[known.student.phone],
        "dashboard": "/admin/",
    }
