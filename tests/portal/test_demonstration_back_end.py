"""The demonstration's back end, started as quickstart starts it and called over TLS."""

import http.client
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from portal.demonstration.pki import DemonstrationPki, demonstration_pki
from portal.demonstration.samples import OPERATIONS
from tests import pki

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> DemonstrationPki:
    return demonstration_pki(tmp_path_factory.mktemp("back-end") / "demonstration")


@pytest.fixture(scope="module")
def port(files: DemonstrationPki) -> Iterator[int]:
    folder = files.ca_certificate.parent
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = str(listener.fileno())
        command = [
            sys.executable,
            "-m",
            "portal.demonstration.back_end",
            "--fd",
            number,
            "--folder",
            str(folder),
        ]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()])
        chosen = listener.getsockname()[1]
    yield chosen
    process.terminate()
    assert process.wait(10) == 0


def context(files: DemonstrationPki, which: int | None = 0) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=files.ca_certificate)
    if which is not None:
        client = files.clients[which]
        key, cert, _ = pkcs12.load_key_and_certificates(client.path.read_bytes(), client.password.encode())
        assert key is not None
        assert cert is not None
        pem = files.ca_certificate.parent / f"test-{which}.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem.write_bytes(secret + cert.public_bytes(Encoding.PEM))
        made.load_cert_chain(pem)
    return made


def answer_of(
    port: int, tls: ssl.SSLContext, method: str, path: str, **more: Any
) -> tuple[str | None, bytes]:
    connection = http.client.HTTPSConnection("localhost", port, context=tls, timeout=10)
    try:
        connection.request(method, path, **more)
        answer = connection.getresponse()
        return answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


def call(port: int, tls: ssl.SSLContext, method: str = "GET", path: str = "/", **more: Any) -> Any:
    return json.loads(answer_of(port, tls, method, path, **more)[1] or b"null")


def test_it_answers_with_the_certificate_that_it_saw(port: int, files: DemonstrationPki) -> None:
    for which, client in enumerate(files.clients):
        seen = call(port, context(files, which))["certificate"]
        assert seen == {"subject": client.subject, "thumbprint": client.thumbprint}


def test_it_answers_with_method_raw_path_headers_and_body(port: int, files: DemonstrationPki) -> None:
    path, headers = "//a%2Fb/../c?d=%20&d", {"X-One": "1"}
    seen = call(port, context(files), "PATCH", path, body=b"caf\xc3\xa9", headers=headers)
    assert (seen["method"], seen["path"], seen["body"]) == ("PATCH", path, "café")
    assert ["X-One", "1"] in seen["headers"]


def test_a_few_paths_have_something_to_look_at(port: int, files: DemonstrationPki) -> None:
    tls = context(files)
    kind, xml = answer_of(port, tls, "GET", "/statement")
    assert kind == "application/xml"
    assert ElementTree.fromstring(xml).findtext("caller") == files.clients[0].subject
    kind, picture = answer_of(port, tls, "GET", "/logo?size=1")
    assert (kind, picture[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    began = time.monotonic()
    assert call(port, tls, path="/slow?seconds=0.2")["path"] == "/slow?seconds=0.2"
    assert time.monotonic() - began > 0.2
    assert {template.partition("?")[0] for _, template, *_ in OPERATIONS} == {
        "/accounts/{id}", "/statement", "/logo", "/slow", "/echo"
    }  # fmt: skip


def test_it_reads_a_chunked_body(port: int, files: DemonstrationPki) -> None:
    seen = call(port, context(files), "POST", "/", body=iter([b"one ", b"two"]))
    assert ["Transfer-Encoding", "chunked"] in seen["headers"]
    assert seen["body"] == "one two"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_caller_without_a_certificate_is_told_so_by_an_alert(
    port: int, files: DemonstrationPki, version: ssl.TLSVersion
) -> None:
    tls = context(files, None)
    tls.minimum_version = tls.maximum_version = version
    for _ in range(20):  # a reset that overtakes the alert would come now and then only
        with pytest.raises(ssl.SSLError, match=r"(?i)certificate required|handshake failure"):
            call(port, tls, "POST", body=b"x" * 100_000)


def test_a_caller_with_a_certificate_of_another_ca_is_refused(
    port: int, files: DemonstrationPki, tmp_path: Path
) -> None:
    tls = context(files, None)
    tls.load_cert_chain(*pki.issue(common_name="stranger").write(tmp_path))
    with pytest.raises(ssl.SSLError, match=r"(?i)unknown ca|decrypt error|alert"):
        call(port, tls)


def test_a_caller_that_only_connects_delays_nobody(port: int, files: DemonstrationPki) -> None:
    with socket.create_connection(("127.0.0.1", port)):
        assert call(port, context(files))["method"] == "GET"


def test_callers_are_served_side_by_side(port: int, files: DemonstrationPki) -> None:
    """Each of the eight has its connection open and served before any of them may go on."""
    together = threading.Barrier(8, timeout=10)
    tls = context(files)

    def caller(number: int) -> str:
        connection = http.client.HTTPSConnection("localhost", port, context=tls, timeout=10)
        connection.request("GET", "/first")
        connection.getresponse().read()
        together.wait()
        connection.request("GET", f"/{number}")
        path = json.loads(connection.getresponse().read())["path"]
        connection.close()
        return str(path)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(caller, range(8))) == [f"/{n}" for n in range(8)]


def test_files_are_made_once_and_only_their_owner_reads_them(files: DemonstrationPki) -> None:
    folder = files.ca_certificate.parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert demonstration_pki(folder) == files
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert folder.stat().st_mode & 0o777 == 0o700
    kept = ["ca.key", "back-end.key", "pfx-password", *(client.path.name for client in files.clients)]
    assert {(folder / name).stat().st_mode & 0o777 for name in kept} == {0o600}


def test_a_missing_file_is_made_again_under_the_same_ca(tmp_path: Path) -> None:
    first = demonstration_pki(tmp_path / "demonstration")
    first.clients[0].path.unlink()
    second = demonstration_pki(tmp_path / "demonstration")
    assert second.clients[0].thumbprint != first.clients[0].thumbprint
    assert second.clients[1] == first.clients[1]
