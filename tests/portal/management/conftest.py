"""The official client of the original, and plain requests, against the REST API of this portal in this process."""

from datetime import timedelta

import pytest
from azure.mgmt.apimanagement import ApiManagementClient
from django.utils import timezone

from gateway.changes.principals import create_principal, regenerate_key, set_management_api
from gateway.models.management import CONTRIBUTOR, READER
from portal.management_api import tokens
from tests.builders import ALICE
from tests.portal.management.client import Arm, azure_client


def _token(identifier: str, role: str) -> str:
    set_management_api(ALICE, enabled=True)
    key = regenerate_key(ALICE, create_principal(ALICE, identifier=identifier, role=role).key, "primary")
    return tokens.token(identifier, timezone.now() + timedelta(hours=1), key)


@pytest.fixture
def token(db: None) -> str:
    """The Authorization field of a contributor."""
    return _token("pipeline", CONTRIBUTOR)


@pytest.fixture
def reader_token(db: None) -> str:
    """That of a reader."""
    return _token("auditor", READER)


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
