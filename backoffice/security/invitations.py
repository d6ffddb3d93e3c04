"""Invitations: a one-time link by e-mail with which somebody chooses the password of an account.

The row is written with an outbox row that holds ids only. The worker draws the token when it sends
the e-mail and keeps a digest, so the link stands nowhere but in the letter. In the address it
stands behind `#`, where no server, proxy or log sees it.
"""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backoffice.crypto import keyring
from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.models import OutboxRow, Staff, StaffInvitation
from backoffice.security.staff_accounts import set_password

VALID = timedelta(hours=72)
EFFECT = "staff.invite"
PATH = "/admin/invitation"

SUBJECT = Text("设置您的后台账号密码", "Choose the password of your back-office account")
LETTER = Text(
    "{name}，您好：\n\n管理员为您开通了毕业图像采集后台的账号，或重置了您的密码。请在 {hours} 小时内打开下面的链接，"
    "设置密码后即可登录。链接只能使用一次。\n\n{link}\n\n如果您不知道这件事，请忽略本邮件。\n",
    "Dear {name},\n\nan administrator has opened an account for you in the graduate photo back office, "
    "or reset your password. Please open the link below within {hours} hours and choose a password. "
    "The link works once.\n\n{link}\n\nIf you know nothing of this, ignore this e-mail.\n",
)


class InvitationInvalid(BackofficeError):
    """The link is unknown, used, replaced or too old; which of these is not said."""

    code = "invitation_invalid"
    title = Text("邀请链接无效", "The invitation is not valid")
    detail = Text(
        "链接已使用、已过期或已被新的邀请替换。请联系管理员重新发送。",
        "The link was used, is too old, or was replaced by a newer one. Ask an administrator to send "
        "a new one.",
    )


def invite(session: Session, staff: Staff, invited_by: uuid.UUID | None) -> StaffInvitation:
    """Write an invitation and the task of sending it; older ones of the account end. Flushes."""
    now = datetime.now(UTC)
    session.execute(
        update(StaffInvitation)
        .where(StaffInvitation.staff_id == staff.id, StaffInvitation.used_at.is_(None))
        .values(expires_at=now)
    )
    row = StaffInvitation(staff_id=staff.id, invited_by=invited_by, expires_at=now + VALID)
    session.add(row)
    session.flush()
    session.add(
        OutboxRow(
            effect=EFFECT,
            payload={"invitation_id": str(row.id)},
            dedupe_key=f"{EFFECT}/{row.id}",
        )
    )
    session.flush()
    return row


def draw_token(invitation: StaffInvitation) -> str:
    """Return a new token for the letter; one drawn before opens nothing any more."""
    token = secrets.token_urlsafe(32)
    invitation.token_digest = _digest(token)
    return token


def letter(staff: Staff, token: str, public_url: str) -> tuple[str, str]:
    """Return subject and text of the e-mail, in the account's language."""
    link = f"{public_url}{PATH}#{token}"
    text = LETTER.get(staff.locale).format(
        name=staff.name, link=link, hours=int(VALID.total_seconds() // 3600)
    )
    return SUBJECT.get(staff.locale), text


def redeem(session: Session, token: str, password: str) -> Staff:
    """Set the password the invited person chose, use the invitation up, return the account.

    Raises InvitationInvalid, or InvalidInput for a password that may not be used (the invitation
    then stays good). Flushes.
    """
    now = datetime.now(UTC)
    row = session.scalars(
        select(StaffInvitation)
        .where(StaffInvitation.token_digest == _digest(token.strip()))
        .with_for_update()
    ).one_or_none()
    if row is None or row.used_at is not None or row.expires_at <= now:
        raise InvitationInvalid()
    staff = session.get_one(Staff, row.staff_id)
    if not staff.active:
        raise InvitationInvalid()
    set_password(staff, password, chosen_by_owner=True)
    row.used_at = now
    session.flush()
    return staff


def _digest(token: str) -> bytes:
    return keyring().blind_index("staff_invitation", token)
