"""The official client of the original, and plain requests, against the REST API of this portal in this process."""

import pytest
from azure.mgmt.apimanagement import ApiManagementClient

from gateway.models.management import CONTRIBUTOR, READER
from portal.management_api import door
from portal.management_api.access import Caller
from tests.portal.management.client import Arm, azure_client


@pytest.fixture
def _access(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    role = {"SharedAccessSignature contributor": CONTRIBUTOR, "SharedAccessSignature reader": READER}
    found = lambda request: request.headers.get("Authorization", "")  # noqa: E731
    monkeypatch.setattr(
        door,
        "caller_of",
        lambda request: Caller("pipeline", role[found(request)]) if found(request) in role else None,
    )


@pytest.fixture
def token(_access: None) -> str:
    """The Authorization field of a contributor."""
    return "SharedAccessSignature contributor"


@pytest.fixture
def reader_token(_access: None) -> str:
    """That of a reader."""
    return "SharedAccessSignature reader"


@pytest.fixture
def arm(token: str) -> Arm:
    """Plain requests of a contributor in the ARM dialect: arm.get("/certificates")."""
    return Arm(token)


@pytest.fixture
def reader_arm(reader_token: str) -> Arm:
    """Those of a reader."""
    return Arm(reader_token)


@pytest.fixture
def azure(token: str) -> ApiManagementClient:
    """The official client, as a contributor."""
    return azure_client(token)
