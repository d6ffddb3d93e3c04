"""staff.invite: the one-time link with which somebody chooses the password of a staff account."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from backoffice.messaging import operations
from backoffice.messaging.messages import Email
from backoffice.messaging.providers import email_provider
from backoffice.models import Staff, StaffInvitation
from backoffice.security import invitations
from worker.jobs.job import Job, TryAgain


def invite_staff(job: Job) -> None:
    """Draw a token, send the letter, note that it left.

    Sent again after a crash it carries a new token: the newest letter counts.
    Raises TryAgain when the provider refused it for a while.
    """
    session = job.session
    row = session.get_one(StaffInvitation, uuid.UUID(job.payload["invitation_id"]))
    staff = session.get_one(Staff, row.staff_id)
    if row.used_at is not None or row.expires_at <= datetime.now(UTC) or not staff.active:
        return
    token = invitations.draw_token(row)
    subject, text = invitations.letter(staff, token, job.services.settings.public_url)
    email = Email(str(row.id), staff.email, subject, text, staff.locale, "staff_invitation")
    provider = email_provider(job.services.settings)
    session.commit()
    status, _, error = operations.deliver(lambda: provider.send(email))
    if error and error.startswith(operations.RETRY):
        raise TryAgain("message_refused")
    if status != "failed":
        row.sent_at = datetime.now(UTC)
