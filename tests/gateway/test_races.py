"""Two people at once, in processes of their own, on each database."""

import json
import subprocess
import sys
import time

import pytest

from tests.databases import ROOT, environment, manage

ROUNDS = 20
ARRANGE = f"""
from tests.builders import make_api, make_certificate
for number in range({ROUNDS}):
    make_certificate(f"certificate-{{number}}")
    print(make_api(f"API {{number}}").revision)
"""
CHECK = """
from gateway.models import Api, Certificate, PolicyReference
from gateway.changes.security import CertificateCredentials, read_security
import json
print(json.dumps({
    "named": sorted(a.resource_id for a in Api.objects.all()
                    if isinstance(read_security(a).credentials, CertificateCredentials)),
    "dangling": [a.resource_id for a in Api.objects.all()
                 if type(read_security(a).credentials).__name__ == "OtherCredentials"],
    "certificates": sorted(c.resource_id for c in Certificate.objects.all()),
}))
"""
VERSIONS = """
from gateway.models import Api
import json
print(json.dumps([api.policy_versions.count() for api in Api.objects.all()]))
"""
ARRANGE_VALUES = f"""
from tests.builders import make_api, make_named_value
for number in range({ROUNDS}):
    make_named_value(f"value-{{number}}", "5")
    make_api(f"API {{number}}")
"""
CHECK_VALUES = """
from gateway.models import NamedValue, PolicyDocument
import json
print(json.dumps({
    "using": sorted(d.api.resource_id for d in PolicyDocument.objects.exclude(api=None)),
    "values": sorted(v.resource_id for v in NamedValue.objects.all()),
}))
"""

pytestmark = pytest.mark.wire


def race(database_url: str, *actions: str, revision: int = 0) -> list[list[str]]:
    """Run the actions side by side, and return what each met, round by round."""
    start = str(time.time() + 2)
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.race", action, str(ROUNDS), start, str(revision)],
            cwd=ROOT,
            env=environment(database_url),
            stdout=subprocess.PIPE,
            text=True,
        )
        for action in actions
    ]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert all(process.returncode == 0 for process in processes)
    return [json.loads(output) for output in outputs]


def shell(database_url: str, code: str) -> str:
    return manage(database_url, "shell", "--verbosity=0", "-c", code)


def test_assigning_while_deleting_never_leaves_an_api_that_points_to_nothing(database_url: str) -> None:
    shell(database_url, ARRANGE)
    assigned, deleted = race(database_url, "assign", "delete")
    state = json.loads(shell(database_url, CHECK))
    assert state["dangling"] == []
    for number in range(ROUNDS):
        outcome = (assigned[number], deleted[number])
        assert outcome in {("done", "InUse"), ("Invalid", "done"), ("DoesNotExist", "done")}
        assert (f"api-{number}" in state["named"]) == (outcome[0] == "done")
        assert (f"certificate-{number}" in state["certificates"]) == (outcome[0] == "done")


def test_saving_a_policy_while_its_certificate_is_deleted_never_leaves_it_pointing_to_nothing(
    database_url: str,
) -> None:
    shell(database_url, ARRANGE)
    named, deleted = race(database_url, "name", "delete")
    state = json.loads(shell(database_url, CHECK))
    assert state["dangling"] == []
    for number in range(ROUNDS):
        assert (named[number], deleted[number]) in {("done", "InUse"), ("Invalid", "done")}
        assert (f"api-{number}" in state["named"]) == (named[number] == "done")
        assert (f"certificate-{number}" in state["certificates"]) == (named[number] == "done")


def test_two_who_save_a_policy_where_both_saw_none_have_one_winner(database_url: str) -> None:
    shell(database_url, ARRANGE)
    one, two = race(database_url, "save", "save")
    assert [sorted(pair) for pair in zip(one, two, strict=True)] == [["EditConflict", "done"]] * ROUNDS
    assert json.loads(shell(database_url, VERSIONS)) == [1] * ROUNDS


def test_using_a_value_while_deleting_it_never_leaves_a_document_that_refers_to_nothing(
    database_url: str,
) -> None:
    shell(database_url, ARRANGE_VALUES)
    used, deleted = race(database_url, "use_value", "delete_value")
    state = json.loads(shell(database_url, CHECK_VALUES))
    for number in range(ROUNDS):
        outcome = (used[number], deleted[number])
        assert outcome in {("done", "InUse"), ("Invalid", "done")}
        assert (f"api-{number}" in state["using"]) == (outcome[0] == "done")
        assert (f"value-{number}" in state["values"]) == (outcome[0] == "done")


def test_two_who_create_the_same_suffix_get_one_api_and_one_error(database_url: str) -> None:
    one, two = race(database_url, "create", "create")
    assert [sorted(pair) for pair in zip(one, two, strict=True)] == [["AlreadyExists", "done"]] * ROUNDS


def test_two_who_save_over_the_same_revision_have_one_winner(database_url: str) -> None:
    revisions = shell(database_url, ARRANGE).split()
    # every round has its own API; only the first one's revision is right, so later rounds must all conflict
    one, two = race(database_url, "update", "update", revision=int(revisions[0]))
    assert sorted([one[0], two[0]]) == ["EditConflict", "done"]
    assert set(one[1:]) == set(two[1:]) == {"EditConflict"}
