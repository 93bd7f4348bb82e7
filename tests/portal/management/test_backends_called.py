"""What is said over the REST API of a back end is what the next calls to it do."""

from typing import Any

import pytest

from gateway import publish
from tests import pki
from tests.back_end import BackEnd
from tests.builders import make_api
from tests.portal.management.client import Arm
from tests.running_engine import Answer, RunningEngine, running_engine

pytestmark = pytest.mark.wire


def call(gateway: RunningEngine) -> Answer:
    gateway.apply(publish.load(using="default"))
    return gateway.call(target="/bank/accounts")


def test_a_self_signed_back_end_is_called_as_long_as_its_chain_is_not_checked(
    arm: Arm, settings: Any
) -> None:
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = ["127.0.0.0/8", "::1/128"]
    with BackEnd(pki.self_signed("localhost", sans=("localhost",))) as back_end, running_engine() as gateway:
        make_api(
            "Bank", web_service_url=f"{back_end.url}/v1", all_operations=True, subscription_required=False
        )
        assert call(gateway).json["code"] == "back-end-certificate-untrusted"
        switched_off = {"url": back_end.url, "tls": {"validateCertificateChain": False}}
        assert arm.put("/backends/bank", switched_off).status_code == 201
        assert call(gateway).status == 200
        assert call(gateway).status == 200  # on the connection that is there
        assert len(back_end.seen) == 2
        assert arm.delete("/backends/bank").status_code == 200
        assert call(gateway).json["code"] == "back-end-certificate-untrusted"
        assert len(back_end.seen) == 2
