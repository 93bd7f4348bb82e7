"""Marks a test with the requirement that it shows; and the two kinds of answers that a gateway makes itself."""

import re
import uuid

import pytest

from tests.answer import Answer

_REFUSAL = re.compile(
    rb"HTTP/1\.1 ([45][0-9][0-9]) [A-Za-z ]+\r\n"
    rb"(?:content-length: 0\r\nconnection: close|connection: close\r\ncontent-length: 0)\r\n\r\n",
    re.IGNORECASE,
)


def shows(source: str, section: str, requirement: str) -> pytest.MarkDecorator:
    """What a test shows: a document, a section of it, and what that demands. See plugin.py for the matrix."""
    return pytest.mark.conformance(source=source, section=section, requirement=requirement)


def refusal(answer: bytes) -> int:
    """The status of a refusal before routing, which is a status line, two fields, and nothing more."""
    match = _REFUSAL.fullmatch(answer)
    assert match, f"not a refusal: {answer[:300]!r}"
    return int(match[1])


def failure(answer: Answer) -> tuple[int, str]:
    """Status and code of an answer with which the gateway says that it could not do it."""
    assert answer.values("content-type") == ["application/json"]
    assert answer.values("date")
    (code,) = answer.values("gateway-error")
    content = answer.json
    assert list(content) == ["statusCode", "message", "code", "activityId"]
    assert content["statusCode"] == answer.status
    assert content["code"] == code
    assert content["message"].endswith(".")
    assert str(uuid.UUID(content["activityId"])) == content["activityId"]
    return answer.status, code
