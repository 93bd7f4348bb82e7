"""One authority and one server certificate for all tests of the engine."""

import pytest

from tests.pki import Authority, Issued, issue, make_ca


@pytest.fixture(scope="session")
def ca() -> Authority:
    return make_ca("Engine test CA")


@pytest.fixture(scope="session")
def server(ca: Authority) -> Issued:
    return issue(ca, "back end")


@pytest.fixture(scope="session")
def client(ca: Authority) -> Issued:
    return issue(ca, "partner-one")


@pytest.fixture(scope="session")
def other_client(ca: Authority) -> Issued:
    return issue(ca, "partner-two")
