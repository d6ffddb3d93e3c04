"""The figures of the review: per reviewer and per reason, over the last days."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from backoffice.review.agreement import Agreement, agreement, reason_agreement

PAUSE_SECONDS = 120  # a longer gap between two decisions is a pause; it counts as this much
BUCKETS = (1, 2, 3, 5, 10, 30)  # upper ends in seconds; the last bucket is open
PAIRS_AT_MOST = 50_000

_SCOPE = """
  d.created_at >= :since AND d.undone_at IS NULL AND d.decision IN ('approve','reject')
  AND d.staff_id IS NOT NULL AND (CAST(:school AS uuid) IS NULL OR o.school_id = :school)
"""
_REVIEWERS = f"""
WITH made AS (
  SELECT d.staff_id, d.decision, l.looked_ms / 1000.0 AS seconds,
    EXISTS (
      SELECT 1 FROM review_decisions r WHERE r.order_id = d.order_id AND r.decision = 'revoke'
      AND r.undone_at IS NULL AND r.event_sequence = d.event_sequence + 1
    ) AS reversed,
    extract(epoch FROM d.created_at - lag(d.created_at) OVER (
      PARTITION BY d.staff_id ORDER BY d.created_at)) AS gap
  FROM review_decisions d
  JOIN orders o ON o.id = d.order_id
  LEFT JOIN review_leases l
    ON l.order_id = d.order_id AND l.event_sequence = d.event_sequence AND l.outcome = 'decided'
  WHERE {_SCOPE}
)
SELECT made.staff_id, staff.name, count(*) AS decided,
  count(*) FILTER (WHERE decision = 'approve') AS approved,
  count(*) FILTER (WHERE decision = 'approve' AND reversed) AS reversed,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
  percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95,
  sum(least(coalesce(gap, 0), :pause)) AS at_desk
FROM made LEFT JOIN staff ON staff.id = made.staff_id
GROUP BY GROUPING SETS ((made.staff_id, staff.name), ())
ORDER BY decided DESC
"""  # noqa: S608  (constants of this file)
_REASONS = f"""
SELECT x.reason_code AS code, count(*) AS uses
FROM review_decisions d
JOIN orders o ON o.id = d.order_id
JOIN review_decision_reasons x ON x.decision_id = d.id
WHERE {_SCOPE}
GROUP BY x.reason_code ORDER BY uses DESC, code
"""  # noqa: S608
_DAYS = f"""
SELECT CAST(d.created_at AT TIME ZONE :zone AS date) AS day,
  count(*) FILTER (WHERE d.decision = 'approve') AS approved,
  count(*) FILTER (WHERE d.decision = 'reject') AS rejected
FROM review_decisions d JOIN orders o ON o.id = d.order_id
WHERE {_SCOPE}
GROUP BY day ORDER BY day
"""  # noqa: S608
_TIMES = f"""
SELECT width_bucket(l.looked_ms / 1000.0, CAST(:ends AS numeric[])) AS bucket, count(*) AS made
FROM review_decisions d
JOIN orders o ON o.id = d.order_id
JOIN review_leases l
  ON l.order_id = d.order_id AND l.event_sequence = d.event_sequence AND l.outcome = 'decided'
WHERE l.looked_ms IS NOT NULL AND {_SCOPE}
GROUP BY bucket
"""  # noqa: S608
_PAIRS = """
SELECT s.first_staff_id, s.first_decision, s.verdict, s.reasons, s.outcome,
  array_remove(array_agg(x.reason_code), NULL) AS first_reasons
FROM second_opinions s
JOIN orders o ON o.id = s.order_id
JOIN review_decisions d
  ON d.order_id = s.order_id AND d.event_sequence = s.event_sequence AND d.undone_at IS NULL
LEFT JOIN review_decision_reasons x ON x.decision_id = d.id
WHERE s.answered_at >= :since AND (CAST(:school AS uuid) IS NULL OR o.school_id = :school)
GROUP BY s.id ORDER BY s.answered_at DESC LIMIT :most
"""


@dataclass(frozen=True)
class ReviewerFigures:
    """What one reviewer did; `staff_id` None: all of them. Times in seconds."""

    staff_id: uuid.UUID | None
    name: str | None
    decided: int
    approved: int
    reversed: int
    p50: float | None
    p95: float | None
    at_desk: float
    agreement: Agreement

    @property
    def per_hour(self) -> float | None:
        """Photos per hour at the desk; None under a minute: too little to say."""
        return self.decided / self.at_desk * 3600 if self.at_desk >= 60 else None

    @property
    def reversal_rate(self) -> float | None:
        """Share of approvals that were revoked later."""
        return self.reversed / self.approved if self.approved else None


@dataclass(frozen=True)
class ReasonFigures:
    """How often a reason was given, and whether second reviewers give it too."""

    code: str
    uses: int
    share: float
    agreement: Agreement


@dataclass(frozen=True)
class Figures:
    """Everything the page shows."""

    total: ReviewerFigures | None
    reviewers: Sequence[ReviewerFigures]
    reasons: Sequence[ReasonFigures]
    days: Sequence[tuple[date, int, int]]
    times: Sequence[int]


def figures(session: Session, school_id: uuid.UUID | None, since: datetime, zone: str) -> Figures:
    """Return the figures of the decisions since then, within one school or all."""
    given = {"since": since, "school": school_id}
    pairs = session.execute(text(_PAIRS), given | {"most": PAIRS_AT_MOST}).all()
    rows = session.execute(text(_REVIEWERS), given | {"pause": PAUSE_SECONDS}).all()
    everybody = [_reviewer(row, pairs) for row in rows]
    total = next((one for one in everybody if one.staff_id is None and one.decided), None)
    rejections = total.decided - total.approved if total else 0
    both = [(row.first_reasons, row.reasons) for row in pairs]
    reasons = [
        ReasonFigures(
            row.code, row.uses, row.uses / max(rejections, 1), reason_agreement(row.code, both)
        )
        for row in session.execute(text(_REASONS), given)
    ]
    days = [
        (row.day, row.approved, row.rejected)
        for row in session.execute(text(_DAYS), given | {"zone": zone})
    ]
    buckets = {
        row.bucket: row.made
        for row in session.execute(text(_TIMES), given | {"ends": list(BUCKETS)})
    }
    times = [buckets.get(place, 0) for place in range(len(BUCKETS) + 1)]
    return Figures(
        total, [one for one in everybody if one.staff_id is not None], reasons, days, times
    )


def _reviewer(row: Any, pairs: Sequence[Any]) -> ReviewerFigures:
    own = [
        (pair.first_decision, pair.verdict)
        for pair in pairs
        if row.staff_id is None or pair.first_staff_id == row.staff_id
    ]
    return ReviewerFigures(
        row.staff_id,
        row.name,
        row.decided,
        row.approved,
        row.reversed,
        row.p50,
        row.p95,
        float(row.at_desk or 0),
        agreement(own),
    )
