"""Nobody guesses the passphrases of these tests: their keys are derived and made with little work."""

import pytest

from gateway.export import pkcs8, recipient

COST = pkcs8._COST


@pytest.fixture(autouse=True)
def _little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pkcs8, "_COST", 2**10)
    monkeypatch.setattr(recipient, "_BITS", 1024)
