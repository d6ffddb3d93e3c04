"""refund.send and refund.retry: the provider is asked with no transaction and no lock open."""

from __future__ import annotations

import uuid

from backoffice.payments import refunds
from backoffice.payments.registry import gateway
from worker.jobs.job import Job


def send_refund(job: Job) -> None:
    """Ask the provider for the refund and write its answer down; the notice or a query settles it.

    The same refund number goes out on every try, so the money moves once. Raises
    PaymentProviderUnavailable, OrderBusy: the job runs again.
    """
    payload = job.payload
    refund = refunds.find_refund(
        job.session,
        refund_id=uuid.UUID(payload["refund_id"]) if "refund_id" in payload else None,
        order_id=job.order_id,
    )
    prepared = refunds.prepare_refund(job.session, refund.id) if refund else None
    job.session.commit()
    if prepared is None:
        return
    provider = gateway(job.services.settings, prepared.provider)
    answer = provider.refund(prepared.request)
    refunds.apply_answer(job.session, job.services.engine, prepared.refund_id, answer)
