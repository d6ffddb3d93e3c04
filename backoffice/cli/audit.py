"""`flask audit verify`: are all event chains whole?"""

from __future__ import annotations

from collections.abc import Iterator

from backoffice.cli.common import (
    CommandGroup,
    Failure,
    answer,
    database_command,
    json_option,
    transaction,
)
from backoffice.workflows.audit import verify_all

group = CommandGroup("audit", help="The history of orders.")


@group.command("verify")
@json_option
@database_command
def verify(as_json: bool) -> None:
    """Check every order's chain; name the first broken event."""
    checked, broken = 0, None
    with transaction() as session:
        session.rollback()  # a fresh transaction: see verify_all
        for broken in verify_all(session):
            checked += 1
            if broken:
                break
    first = broken and {
        "order_id": str(broken.order_id),
        "sequence": broken.sequence,
        "why": broken.why,
    }

    def lines() -> Iterator[str]:
        yield f"{checked} orders checked"
        if first:
            yield f"broken: order {first['order_id']}, event {first['sequence']}: {first['why']}"

    answer({"checked": checked, "broken": first}, as_json, lines)
    if broken:
        raise Failure()
