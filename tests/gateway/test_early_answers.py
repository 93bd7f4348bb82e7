"""Answers to callers who still send their body, over TLS."""

import http.client
import ssl
from pathlib import Path

import pytest

from gateway.embedded.asgi import Engine, EngineSettings
from tests.pki import issue
from tests.running_engine import LOOPBACK, running

SIZE = 10_000_000


@pytest.mark.wire
def test_a_caller_over_tls_that_sends_all_of_its_body_first_gets_the_answer(tmp_path: Path) -> None:
    certificate, key = issue().write(tmp_path)
    engine = Engine(EngineSettings(rules=LOOPBACK))
    with running(engine, ssl_certfile=str(certificate), ssl_keyfile=str(key)) as gateway:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        caller = http.client.HTTPSConnection("127.0.0.1", gateway.port, timeout=20, context=context)
        caller.request("POST", "/x", b"x" * SIZE)
        answer = caller.getresponse()
        assert (answer.status, answer.read()[:20]) == (503, b'{ "statusCode": 503,')
        caller.close()
