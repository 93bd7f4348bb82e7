"""Metrics of one process: what is counted, what vanishes, and which formats there are."""

import os
import re
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from gateway.observing.address import is_for_operators, operator_address
from gateway.observing.directory import MetricsDirectory
from gateway.observing.metrics import Metrics, ProcessState
from tests.gateway.observing.test_access_log import record

README = Path(__file__).parents[3] / "README.md"


def samples(metrics: Metrics, accept: str = "") -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    families = parse(metrics.text(accept)[0].decode())
    return {
        (each.name, *(value for _, value in sorted(each.labels.items()))): each.value
        for family in families
        for each in family.samples
    }


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(dict)


def test_calls_are_counted_by_what_they_came_to(metrics: Metrics) -> None:
    for values in (
        {},
        {},
        {"status": 502, "failed_by": "back end"},
        {"api": "", "operation": "", "status": 404},
    ):
        metrics.observe(record(**values))
    found = samples(metrics)
    assert found["gateway_calls_total", "bank", "", "get-account", "200"] == 2
    assert found["gateway_calls_total", "bank", "back end", "get-account", "502"] == 1
    assert found["gateway_calls_total", "", "", "", "404"] == 1


def test_times_are_in_histograms_of_their_api(metrics: Metrics) -> None:
    metrics.observe(record(seconds=0.3, back_end_seconds=0.02))
    metrics.observe(record(seconds=0.1, back_end_seconds=0.0))  # it never got to the back end
    found = samples(metrics)
    assert found["gateway_call_seconds_count", "bank"] == 2
    assert found["gateway_call_seconds_sum", "bank"] == pytest.approx(0.4)
    assert found["gateway_call_seconds_bucket", "bank", "0.1"] == 1
    assert found["gateway_call_seconds_bucket", "bank", "0.5"] == 2
    assert found["gateway_back_end_seconds_count", "bank"] == 1
    assert found["gateway_back_end_seconds_bucket", "bank", "0.025"] == 1


def test_a_new_connection_to_a_back_end_is_a_handshake_and_a_reused_one_is_none(metrics: Metrics) -> None:
    for connected, reused in ((True, False), (True, True), (False, False)):
        metrics.observe(record(connected=connected, reused=reused))
    assert samples(metrics)["gateway_back_end_handshakes_total", "bank"] == 1


def test_calls_with_an_expired_certificate_are_counted_by_api(metrics: Metrics) -> None:
    for expired in (True, False, True):
        metrics.observe(record(expired_certificate=expired))
    metrics.observe(record(api="shop", expired_certificate=False))
    found = samples(metrics)
    assert found["gateway_expired_certificate_calls_total", "bank"] == 2
    assert found["gateway_expired_certificate_calls_total", "shop"] == 0


def test_how_a_process_is_replaces_how_it_was_and_dropped_lines_add_up(metrics: Metrics) -> None:
    metrics.set(ProcessState(1, 2, 3, 4, 5.0, True, 6))
    metrics.set(ProcessState(7, 8, 9, 10, 11.0, False, 12))
    found = {key: value for key, value in samples(metrics).items() if "" not in key}
    assert {key: value for key, value in found.items() if "_created" not in key[0]} == {
        ("gateway_connections", "caller"): 7,
        ("gateway_connections", "back_end"): 8,
        ("gateway_calls_in_flight",): 9,
        ("gateway_configuration_revision",): 10,
        ("gateway_configuration_age_seconds",): 11,
        ("gateway_configuration_problem",): 0,
        ("gateway_access_log_dropped_total",): 12,
    }


def test_a_certificate_that_is_presented_no_more_is_told_no_more() -> None:
    expiries = {("partner", "bank"): datetime(2030, 1, 1, tzinfo=UTC), ("partner", "shop"): datetime.now(UTC)}
    metrics = Metrics(lambda: expiries)
    name = "gateway_client_certificate_not_after_seconds"
    assert samples(metrics)[name, "bank", "partner"] == 1893456000
    del expiries["partner", "bank"]
    assert [key for key in samples(metrics) if key[0] == name] == [(name, "shop", "partner")]


def test_ids_in_any_alphabet_and_quotes_are_labels(metrics: Metrics) -> None:
    metrics.observe(record(api="bänk-銀行", operation='a"b\\'))
    assert samples(metrics)["gateway_calls_total", "bänk-銀行", "", 'a"b\\', "200"] == 1


@pytest.mark.parametrize(
    ("accept", "content_type", "end"),
    [
        ("", "text/plain; version=0.0.4", b""),
        (
            "application/openmetrics-text; version=1.0.0,text/plain;q=0.5",
            "application/openmetrics-text",
            b"# EOF\n",
        ),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(
    metrics: Metrics, accept: str, content_type: str, end: bytes
) -> None:
    metrics.observe(record())
    text, told = metrics.text(accept)
    assert told.startswith(content_type)
    assert text.endswith(end)
    assert b'gateway_calls_total{api="bank"' in text


def test_the_readme_has_every_metric_and_no_other(metrics: Metrics) -> None:
    metrics.observe(record())
    names = set(re.findall(r"^# TYPE (gateway_\w+) ", metrics.text("")[0].decode(), re.MULTILINE))
    told = re.findall(r"^\| `(gateway_\w+)`", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(told) == sorted(name for name in names if not name.endswith("_created"))


def test_what_a_killed_run_left_is_swept_away_and_what_a_live_one_has_is_kept(tmp_path: Path) -> None:
    live, killed, young = (MetricsDirectory(tmp_path) for _ in range(3))
    for each in (killed, young):
        os.close(each._lock)  # as the kernel does
    for each in (live, killed):
        os.utime(each.path, (0, 0))
    another = MetricsDirectory(tmp_path)
    assert {str(path) for path in tmp_path.iterdir()} == {live.path, young.path, another.path}
    os.utime(young.path, (0, 0))
    MetricsDirectory(tmp_path).remove()
    another.remove()
    live.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("127.0.0.1", 9464, "127.0.0.1:9464"),
        ("::1", 9464, "[::1]:9464"),
        ("127.0.0.1", 0, None),
        ("127.0.0.1", None, None),
    ],
)
def test_the_address_to_bind(settings: Any, host: str, port: int | None, address: str | None) -> None:
    settings.GATEWAY_OPERATOR_HOST, settings.GATEWAY_OPERATOR_PORT = host, port
    assert operator_address() == address


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_only_the_socket_of_the_settings_is_for_operators(settings: Any, host: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
        socket.create_server(("127.0.0.2", one.getsockname()[1])) as same_port,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        settings.GATEWAY_OPERATOR_HOST, settings.GATEWAY_OPERATOR_PORT = host, one.getsockname()[1]
        assert [is_for_operators(each) for each in (one, other, same_port, unix)] == [
            True,
            False,
            False,
            False,
        ]
        settings.GATEWAY_OPERATOR_PORT = None
        assert not is_for_operators(one)
