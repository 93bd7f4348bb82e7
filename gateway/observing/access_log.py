"""The access log: one line of JSON for each call."""

import time
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _text

from gateway.embedded.record import CallRecord

OFF = "off"
_LONGEST_PATH = 2048  # a line fits into what a pipe takes in one piece


def access_line(record: CallRecord) -> str:
    """A call as one line of JSON, in ASCII. README.md says what the fields are.

    Every text is escaped, so that whatever a caller sends stays inside its field. Written out, because json.dumps
    takes three times as long.
    """
    reused = ("true" if record.reused else "false") if record.connected else "null"
    path = record.path if len(record.path) <= _LONGEST_PATH else record.path[:_LONGEST_PATH] + "…"
    return (
        f'{{"time":"{_time(record.at)}","activity_id":{_text(record.activity)},"api":{_text(record.api)},'
        f'"operation":{_text(record.operation)},"subscription":{_text(record.subscription)},'
        f'"caller":{_text(record.client)},"method":{_text(record.method)},"path":{_text(path)},'
        f'"status":{record.status},"failed_by":{_text(record.failed_by)},"code":{_text(record.code)},'
        f'"received":{record.received},"sent":{record.sent},"ms":{record.seconds * 1000:.3f},'
        f'"back_end_ms":{record.back_end_seconds * 1000:.3f},"connection_reused":{reused},'
        f'"thumbprint":{_text(record.thumbprint)},'
        f'"expired_certificate":{"true" if record.expired_certificate else "false"},'
        f'"revision":{record.revision}}}\n'
    )


def _time(at: float) -> str:
    """ISO 8601 in UTC, with milliseconds."""
    whole = int(at)
    return f"{_second(whole)}.{int((at - whole) * 1000):03d}Z"


@lru_cache(maxsize=16)
def _second(whole: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
