from tests.admin.house import House


def test_every_room_opens(busy_house: House):
    client = busy_house.client("admin")
    for path in (
        "",
        "orders/",
        "batches/",
        "imports/",
        "enrolments/",
        "reasons/",
        "standards/",
        "finance/",
        "payments/",
        "refunds/",
        "schools/",
        "staff/",
        "outbox/",
    ):
        answer = client.get(f"/admin/{path}")
        assert answer.status_code == 200, path
