"""What happens by the clock: due timers, lost jobs, refunds without an answer, purges.

Any number of schedulers may run: every step claims its rows. What fell due while none ran is
caught up at the next start, because everything due lies in tables.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from backoffice.accounts.purging import purge_answers, purge_tokens
from backoffice.batches import jobs as batch_jobs
from backoffice.batches.closing import CLOSE, close_when_over
from backoffice.batches.reminders import REMIND, remind_unfinished
from backoffice.db import db
from backoffice.errors import BackofficeError
from backoffice.lists import exporting
from backoffice.orders.uploads import purge_uploads
from backoffice.payments import refunds
from backoffice.payments.errors import NoticeInvalid
from backoffice.payments.notices import receive
from backoffice.payments.registry import gateway, sandbox
from backoffice.payments.sandbox import SandboxGateway
from backoffice.retention.daily import ask_daily
from backoffice.services import Services
from backoffice.workflows.timers import Action, fire_one_due
from worker.dispatcher import sweep
from worker.logs import describe

TICK_SECONDS = 1.0
SWEEP_SECONDS = 5.0
SWEEP_GRACE_SECONDS = 10.0
REFUND_POLL_SECONDS = 60.0
PURGE_SECONDS = 600.0
TIMERS_PER_TICK = 500
# What timers that belong to no order do.
ACTIONS: dict[str, Action] = {
    CLOSE: close_when_over,
    REMIND: remind_unfinished,
    exporting.EXPIRE: exporting.expire_export,
    batch_jobs.EXPIRE: batch_jobs.expire_file,
}
log = logging.getLogger("worker.scheduler")


class Scheduler:
    """The steps and when each is due next. One failing step does not hold up the others."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._steps: list[tuple[str, float, Callable[[], None]]] = [
            ("timers", 0.0, self._fire_timers),
            ("notices", 0.0, self._deliver_sandbox_notices),
            ("sweep", SWEEP_SECONDS, self._sweep),
            ("refunds", REFUND_POLL_SECONDS, self._poll_refunds),
            ("purge", PURGE_SECONDS, self._purge),
        ]
        self._due = {name: 0.0 for name, _, _ in self._steps}
        self._trouble: dict[str, str] = {}

    def tick(self) -> bool:
        """Run every step that is due."""
        for name, every, step in self._steps:
            if time.monotonic() < self._due[name]:
                continue
            self._due[name] = time.monotonic() + every
            try:
                step()
                if self._trouble.pop(name, None):
                    log.info("step=%s recovered", name)
            except Exception as error:
                said = describe(error)
                if self._trouble.get(name) != said:
                    log.error("step=%s in trouble, will retry %s", name, said)
                    self._trouble[name] = said
            finally:
                db.session.remove()
        return False

    def _fire_timers(self) -> None:
        for _ in range(TIMERS_PER_TICK):
            session = db.session()
            fired = fire_one_due(session, self._services.engine, ACTIONS)
            session.commit()
            if fired is None:
                return

    def _sweep(self) -> None:
        sweep(db.session(), self._services.redis, SWEEP_GRACE_SECONDS)

    def _purge(self) -> None:
        """Throw away what has done its work; what is left of much is taken next time."""
        session, settings = db.session(), self._services.settings
        for step in (
            purge_tokens,
            lambda session: purge_answers(session, settings.idempotency_hours),
            lambda session: purge_uploads(session, self._services.storage),
            ask_daily,
        ):
            step(session)
            session.commit()

    def _deliver_sandbox_notices(self) -> None:
        provider = sandbox(self._services.settings)
        if provider is not None:
            provider.deliver_due(self._accept_from(provider))

    def _accept_from(self, provider: SandboxGateway) -> Callable[[Mapping[str, str], bytes], bool]:
        def accept(headers: Mapping[str, str], body: bytes) -> bool:
            session: Session = db.session()
            try:
                outcome = receive(session, self._services.engine, provider, headers, body)
                session.commit()
            except (NoticeInvalid, BackofficeError, SQLAlchemyError) as error:
                session.rollback()
                log.warning("notice of the sandbox not taken %s", describe(error))
                return False
            return outcome.accepted

        return accept

    def _poll_refunds(self) -> None:
        session = db.session()
        waiting = refunds.unsettled(session, datetime.now(UTC))
        session.commit()
        for refund_id, provider in waiting:
            refund_no = refunds.refund_no_of(session, refund_id)
            session.commit()
            answer = gateway(self._services.settings, provider).query_refund(refund_no)
            if answer.status == "unknown":
                refunds.send_again(session, refund_id)
            else:
                refunds.apply_answer(session, self._services.engine, refund_id, answer)
            session.commit()
