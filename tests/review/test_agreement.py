"""Cohen's kappa: known values, its bounds, and what cannot be said."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.review.agreement import Agreement, agreement, reason_agreement

A, R = "approve", "reject"


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], Agreement(0, None, None)),
        ([(A, A)] * 5, Agreement(5, 1.0, None)),  # one word only: nothing beyond chance
        ([(A, A), (R, R)], Agreement(2, 1.0, 1.0)),
        ([(A, R), (R, A)], Agreement(2, 0.0, -1.0)),
        ([(A, A), (A, R)], Agreement(2, 0.5, 0.0)),  # approvals alone: kappa is 0 whatever happens
        # the textbook's grants: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no
        ([(A, A)] * 20 + [(A, R)] * 5 + [(R, A)] * 10 + [(R, R)] * 15, Agreement(50, 0.7, 0.4)),
    ],
)
def test_known_values(pairs, expected):
    found = agreement(pairs)
    assert (found.pairs, found.share) == (expected.pairs, expected.share)
    assert found.kappa == pytest.approx(expected.kappa)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine
@given(st.lists(st.tuples(st.sampled_from([A, R]), st.sampled_from([A, R])), min_size=1))
def test_bounds_and_symmetry(pairs):
    found = agreement(pairs)
    assert 0 <= found.share <= 1
    mirrored = agreement([(two, one) for one, two in pairs])
    if found.kappa is None:
        assert mirrored.kappa is None
        assert found.share == 1
    else:
        assert -1 - 1e-9 <= found.kappa <= found.share + 1e-9
        assert mirrored.kappa == pytest.approx(found.kappa)


def test_a_reason_is_agreed_on_alone():
    pairs = [(["L01", "P01"], ["L01"]), ([], ["P01"]), (["L01"], ["L01"]), ([], [])]
    assert reason_agreement("L01", pairs).kappa == 1
    assert reason_agreement("P01", pairs).share == 0.5
