"""/healthz, /readyz and /metrics: what they say when a part is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backoffice import create_app, health
from tests.factories import make_order


def client_of(settings):
    app = create_app(settings)
    health.init_app(app)
    return app.test_client()


@pytest.fixture
def fresh_metrics(monkeypatch):
    monkeypatch.setattr(health, "_cache", (0.0, ""))


def test_all_well(settings, committed, redis, photo_models):
    client = client_of(replace(settings, models_dir=str(photo_models)))
    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["failing"]) == (200, [])


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ({"database_url": "postgresql+psycopg://postgres@/x?host=/nowhere"}, "database"),
        ({"redis_url": "unix:///nowhere/valkey.sock"}, "queue"),
        ({"storage_url": "/proc/nowhere"}, "storage"),
        ({"models_dir": "/nowhere"}, "models"),
    ],
)
def test_the_failing_part_is_named(settings, committed, redis, photo_models, wrong, part):
    broken = replace(replace(settings, models_dir=str(photo_models)), **wrong)
    answer = client_of(broken).get("/readyz")
    assert (answer.status_code, answer.json["failing"]) == (503, [part])
    assert answer.json["parts"][part] == "failing"
    assert client_of(broken).get("/healthz").status_code == 200


def test_metrics_count(settings, committed, redis, fresh_metrics):
    with committed() as session:
        make_order(session, state="paid")
        make_order(session)
        session.commit()
    answer = client_of(settings).get("/metrics")
    assert answer.content_type.startswith("text/plain")
    lines = answer.text.splitlines()
    assert 'backoffice_orders{state="paid"} 1' in lines
    assert 'backoffice_orders{state="draft"} 1' in lines
    assert 'backoffice_outbox{state="waiting",effect="notify.paid"} 1' in lines
    assert 'backoffice_queue_depth{queue="photos"} 0' in lines
    assert "backoffice_timers_overdue 0" in lines


def test_metrics_are_not_counted_at_every_call(settings, committed, redis, fresh_metrics):
    client = client_of(settings)
    first = client.get("/metrics").text
    with committed() as session:
        make_order(session)
        session.commit()
    assert client.get("/metrics").text == first


def test_metrics_without_a_queue_still_tell_the_rest(settings, committed, redis, fresh_metrics):
    text = client_of(replace(settings, redis_url="unix:///nowhere/v.sock")).get("/metrics").text
    assert "backoffice_orders" in text
    assert "backoffice_queue_depth{" not in text
