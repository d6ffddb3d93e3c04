from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def keys(settings) -> None:
    """Rows are sealed as soon as they are good, so every test needs the key ring."""
    from backoffice import crypto

    crypto.configure(settings)
