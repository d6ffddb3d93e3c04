"""Which provider carries a channel: chosen by SMS_PROVIDER and EMAIL_PROVIDER."""

from __future__ import annotations

from backoffice.messaging.local import ConsoleSms, FileEmail, FileSms
from backoffice.messaging.messages import EmailProvider, SmsProvider
from backoffice.settings import Settings, SettingsError


def sms_provider(settings: Settings) -> SmsProvider:
    """Return the provider SMS_PROVIDER names. Raises SettingsError for an unknown one."""
    if settings.sms_provider == "file":
        return FileSms(settings.var)
    if settings.sms_provider == "console":
        return ConsoleSms()
    if settings.sms_provider == "twilio":
        from backoffice.messaging.twilio import TwilioSms  # the SDK loads slowly

        return TwilioSms(settings)
    raise SettingsError("SMS_PROVIDER must be file, console or twilio.")


def email_provider(settings: Settings) -> EmailProvider:
    """Return the provider EMAIL_PROVIDER names. Raises SettingsError for an unknown one."""
    if settings.email_provider == "file":
        return FileEmail(settings.var)
    if settings.email_provider == "smtp":
        from backoffice.messaging.smtp import SmtpEmail

        return SmtpEmail(settings)
    raise SettingsError("EMAIL_PROVIDER must be file or smtp.")
