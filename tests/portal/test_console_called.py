"""What the page says of a call that failed: once, and without what its reader cannot open."""

import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.template.loader import render_to_string

from gateway.models import Trace
from gateway.probing.report import Report
from portal import connection
from portal.console.calling import Called
from portal.console.case import Trouble
from portal.places import Link
from portal.traces.told import told
from tests import trace_documents
from tests.builders import make_api

pytestmark = pytest.mark.django_db
WORDS = "Nobody vouches for the back end."


def shown(trouble: Trouble | None, *, can_change: bool = True) -> str:
    document = trace_documents.worked() | {"api": {"id": "partner-bank", "name": "Partner Bank"}}
    document["outcome"] = {
        "status": 502,
        "failedBy": "back end",
        "code": "back-end-certificate-untrusted",
        "verdict": "chain-untrusted",
        "message": WORDS,
        "remedy": "Upload it.",
    }
    trace = told(Trace(key=uuid4(), at=datetime.now(UTC), content=document))
    called = Called(trouble=trouble, trace=trace)
    return render_to_string("portal/console/called.html", {"called": called, "can_change": can_change})


def test_what_the_trouble_says_is_not_said_again_in_the_trace() -> None:
    make_api()
    page = shown(Trouble("Not trusted", WORDS, "Upload it."))
    assert page.count(WORDS) == 1
    assert page.count("What to do:") == 1
    assert "The call failed at the back end" in page
    assert shown(None).count(WORDS) == 1


def test_what_a_test_found_is_not_said_again_above_its_steps() -> None:
    at = datetime.now(UTC).isoformat()
    report = Report("chain-untrusted", WORDS, "Upload it.", (), at=at)
    page = render_to_string(
        "portal/console/trouble.html",
        {"trouble": Trouble("Not trusted", f"A test found this: {WORDS}", report=connection.Tested(report))},
    )
    assert page.count(WORDS) == 1


@pytest.mark.parametrize("can_change", [True, False])
def test_readers_get_no_link_to_a_page_for_administrators(can_change: bool) -> None:
    make_api()
    links = (Link("Choose", "/choose/"), Link("Upload", "/upload/", administrators=True))
    page = shown(Trouble("Not trusted", "No CA.", links=links), can_change=can_change)
    assert "/choose/" in page
    assert ("/upload/" in page) == can_change
    assert ("changed by administrators" in page) != can_change
    alone = shown(None, can_change=can_change)
    assert "#id_public_cas" in alone
    assert bool(re.search("ca-certificates/upload", alone)) == can_change
