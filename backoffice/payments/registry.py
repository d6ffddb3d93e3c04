"""Which payment providers this installation has."""

from __future__ import annotations

from functools import lru_cache

from backoffice.payments.errors import UnknownPaymentProvider
from backoffice.payments.free import FreeGateway
from backoffice.payments.gateway import Gateway
from backoffice.payments.sandbox import SandboxGateway
from backoffice.settings import Settings

FREE = FreeGateway.name


def provider_names(settings: Settings) -> list[str]:
    """Return the providers a student may choose, in the order of PAYMENT_PROVIDERS."""
    return [name.strip() for name in settings.payment_providers.split(",") if name.strip()]


@lru_cache(maxsize=8)
def gateways(settings: Settings) -> dict[str, Gateway]:
    """Return the gateways by name; kept for the process, each with its own connections."""
    found: dict[str, Gateway] = {FREE: FreeGateway()}
    if SandboxGateway.name in provider_names(settings):
        found[SandboxGateway.name] = SandboxGateway(settings)
    return found


def gateway(settings: Settings, name: str) -> Gateway:
    """Return one gateway. Raises UnknownPaymentProvider."""
    found = gateways(settings).get(name)
    if found is None:
        raise UnknownPaymentProvider(known=", ".join(provider_names(settings)))
    return found


def sandbox(settings: Settings) -> SandboxGateway | None:
    """Return the sandbox where it is switched on, for its page and its deliveries."""
    found = gateways(settings).get(SandboxGateway.name)
    return found if isinstance(found, SandboxGateway) else None
