"""Which decoder a system uses: CAPTURE_CODE_PROVIDER."""

from __future__ import annotations

from backoffice.capture_codes.demo import DemoCaptureCodes
from backoffice.capture_codes.errors import CaptureCodeUnavailable
from backoffice.capture_codes.http import HttpCaptureCodes
from backoffice.capture_codes.payload import CaptureCodeDecoder, CaptureCodePayload
from backoffice.settings import Settings, SettingsError


class NoCaptureCodes:
    """CAPTURE_CODE_PROVIDER=none: every code is answered with capture_code_unavailable."""

    def decode(self, text: str) -> CaptureCodePayload:
        """Raise CaptureCodeUnavailable."""
        raise CaptureCodeUnavailable


def decoder_for(settings: Settings) -> CaptureCodeDecoder:
    """Return the configured decoder. Raises SettingsError for an unusable configuration."""
    provider = settings.capture_code_provider
    if provider == "demo":
        return DemoCaptureCodes.from_settings(settings)
    if provider == "none":
        return NoCaptureCodes()
    if provider != "http":
        raise SettingsError(f"CAPTURE_CODE_PROVIDER must be demo, http or none, got {provider!r}.")
    if not settings.capture_code_url.startswith(("https://", "http://")):
        raise SettingsError("CAPTURE_CODE_PROVIDER=http needs CAPTURE_CODE_URL.")
    return HttpCaptureCodes(settings.capture_code_url)
