"""Two people at once, in processes of their own, on each database. All races are run first, then looked at."""

import json
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from tests.databases import ROOT, environment, manage

ROUNDS = 12
REST_ROUNDS = 5  # what the others show of changes needs no more over the REST API
# What the two do; the rows of a race begin with its name.
RACES = {
    "assign": ("assign", "delete"),
    "name": ("name", "delete"),
    "renew": ("renew", "name_by_thumbprint"),
    "confirm": ("confirm", "confirm"),
    "remove": ("renew", "remove_successor"),
    "move": ("move", "delete_other"),
    "save": ("save", "save"),
    "value": ("use_value", "delete_value"),
    "create": ("create", "create"),
    "update": ("update", "update"),
}
REST_RACES = {
    "put": ("put", "put"),
    "only": ("only_create", "only_create"),
    "patch": ("patch_title", "patch_limit"),
    "replace": ("replace", "replace"),
    "upsert": ("upsert", "upsert"),
    "drop": ("drop", "drop"),
    "put-value": ("put_value", "put_value"),
    "upsert-value": ("upsert_value", "upsert_value"),
    "member": ("suspend", "rename"),
}
ARRANGE = f"""
from gateway.changes.principals import create_principal, regenerate_key, set_management_api
from tests.builders import (
    ALICE, choose, make_api, make_certificate, make_named_value, make_subscription, make_version
)
import json
revisions = []
for number in range({ROUNDS}):
    for race in ("assign", "name"):
        make_certificate(f"{{race}}-{{number}}")
    for race in ("renew", "confirm", "remove"):
        make_version(make_certificate(f"{{race}}-{{number}}"))
    choose(make_api(f"move-{{number}}"), make_certificate(f"move-{{number}}"))
    make_certificate(f"move-{{number}}x")
    make_named_value(f"value-{{number}}", "5")
    for race in ("assign", "name", "renew", "save", "value"):
        make_api(f"{{race}}-{{number}}")
    revisions.append(make_api(f"update-{{number}}").revision)
    if number < {REST_ROUNDS}:
        make_api(f"put-{{number}}")  # at the revision after that
        make_certificate(f"replace-{{number}}")
        make_certificate(f"drop-{{number}}")
        make_api(f"patch-{{number}}")
        make_api(f"only-{{number}}")
        make_named_value(f"put-value-{{number}}")
        make_subscription(f"member-{{number}}")
set_management_api(ALICE, enabled=True)
regenerate_key(ALICE, create_principal(ALICE, identifier="racer", role="contributor").key, "primary")
print(json.dumps(revisions))
"""
CHECK = """
from gateway.models import Api, Certificate, CertificateVersion, NamedValue, PolicyDocument, PolicyReference
from gateway.models import Subscription
from gateway.changes.security import CertificateCredentials, read_security
import json
print(json.dumps({
    "named": [a.resource_id for a in Api.objects.all()
              if isinstance(read_security(a).credentials, CertificateCredentials)],
    "dangling": [a.resource_id for a in Api.objects.all()
                 if type(read_security(a).credentials).__name__ == "OtherCredentials"],
    "certificates": [c.resource_id for c in Certificate.objects.all()],
    "current": {c.resource_id: c.current.number for c in Certificate.objects.select_related("current")},
    "successors": [v.certificate.resource_id for v in CertificateVersion.objects.filter(number=2)],
    "named_by": {r.document.api.resource_id: r.certificate.resource_id
                 for r in PolicyReference.objects.exclude(certificate=None).exclude(document__api=None)},
    "materials": {c.resource_id: c.versions.count() for c in Certificate.objects.all()},
    "versions": {a.resource_id: a.policy_versions.count() for a in Api.objects.all()},
    "using": [d.api.resource_id for d in PolicyDocument.objects.exclude(api=None)],
    "values": [v.resource_id for v in NamedValue.objects.all()],
    "members": [(s.display_name, s.state) for s in Subscription.objects.all()],
    "patched": [(a.display_name, a.max_calls) for a in Api.objects.filter(resource_id__startswith="patch-")],
}))
"""

pytestmark = pytest.mark.wire


@dataclass(frozen=True)
class Raced:
    """What both met, by race and round, and what is there since."""

    outcomes: dict[str, list[tuple[str, str]]]
    state: dict[str, Any]


@pytest.fixture(scope="module")
def raced(shared_database_url: str) -> Raced:
    revisions = json.loads(shell(shared_database_url, ARRANGE))
    one, two = race(shared_database_url, revisions)
    names = (*RACES, *REST_RACES)
    outcomes = {name: [*zip(*both, strict=True)] for name, *both in zip(names, one, two, strict=True)}
    return Raced(outcomes, json.loads(shell(shared_database_url, CHECK)))


def race(database_url: str, revisions: list[int]) -> list[list[list[str]]]:
    """Run the races in two processes, and return what each of them met."""
    pair = socket.socketpair()
    processes = []
    for place, end in enumerate(pair):
        with end:
            its = [(actions[place], name, revisions) for name, actions in RACES.items()]
            its += [(actions[place], name, revisions[:REST_ROUNDS]) for name, actions in REST_RACES.items()]
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.race", str(end.fileno()), json.dumps(its)],
                    cwd=ROOT,
                    env=environment(database_url, ALLOWED_HOSTS="testserver"),
                    stdout=subprocess.PIPE,
                    text=True,
                    pass_fds=[end.fileno()],
                )
            )
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    return [json.loads(output) for output in outputs]


def shell(database_url: str, code: str) -> str:
    return manage(database_url, "shell", "--verbosity=0", "-c", code)


def test_assigning_while_deleting_never_leaves_an_api_that_points_to_nothing(raced: Raced) -> None:
    assert raced.state["dangling"] == []
    for number, outcome in enumerate(raced.outcomes["assign"]):
        assert outcome in {("done", "InUse"), ("Invalid", "done"), ("DoesNotExist", "done")}
        assert (f"assign-{number}" in raced.state["named"]) == (outcome[0] == "done")
        assert (f"assign-{number}" in raced.state["certificates"]) == (outcome[0] == "done")


def test_saving_a_policy_while_its_certificate_is_deleted_never_leaves_it_pointing_to_nothing(
    raced: Raced,
) -> None:
    assert raced.state["dangling"] == []
    for number, outcome in enumerate(raced.outcomes["name"]):
        assert outcome in {("done", "InUse"), ("InvalidPolicy", "done")}
        assert (f"name-{number}" in raced.state["named"]) == (outcome[0] == "done")
        assert (f"name-{number}" in raced.state["certificates"]) == (outcome[0] == "done")


def test_renewing_while_a_policy_names_the_thumbprint_never_leaves_it_with_a_former_one(raced: Raced) -> None:
    assert raced.state["dangling"] == []
    for number, outcome in enumerate(raced.outcomes["renew"]):
        assert outcome in {("done", "done"), ("done", "InvalidPolicy")}
        assert (f"renew-{number}" in raced.state["named"]) == (outcome[1] == "done")


def test_two_who_confirm_the_same_successor_have_one_winner(raced: Raced) -> None:
    for number, outcome in enumerate(raced.outcomes["confirm"]):
        assert sorted(outcome) in [
            ["EditConflict", "done"],
            ["Invalid", "done"],
        ]  # or it was in use when looked at
        assert raced.state["current"][f"confirm-{number}"] == 2


def test_renewing_while_the_successor_is_removed_never_leaves_a_certificate_without_one(raced: Raced) -> None:
    for number, outcome in enumerate(raced.outcomes["remove"]):
        assert outcome in {("done", "Invalid"), ("NotFound", "done"), ("DoesNotExist", "done")}
        assert raced.state["current"][f"remove-{number}"] == (2 if outcome[0] == "done" else 1)
        assert (f"remove-{number}" in raced.state["successors"]) == (outcome[0] == "done")


def test_moving_to_a_certificate_while_it_is_deleted_never_leaves_an_api_without_one(raced: Raced) -> None:
    for number, outcome in enumerate(raced.outcomes["move"]):
        assert outcome in {("done", "InUse"), ("Invalid", "done"), ("DoesNotExist", "done")}
        moved = f"move-{number}x" if outcome[0] == "done" else f"move-{number}"
        assert raced.state["named_by"][f"move-{number}"] == moved
        assert (f"move-{number}x" in raced.state["certificates"]) == (outcome[0] == "done")


def test_two_who_save_a_policy_where_both_saw_none_have_one_winner(raced: Raced) -> None:
    assert [sorted(pair) for pair in raced.outcomes["save"]] == [["EditConflict", "done"]] * ROUNDS
    assert [raced.state["versions"][f"save-{number}"] for number in range(ROUNDS)] == [1] * ROUNDS


def test_using_a_value_while_deleting_it_never_leaves_a_document_that_refers_to_nothing(raced: Raced) -> None:
    for number, outcome in enumerate(raced.outcomes["value"]):
        assert outcome in {("done", "InUse"), ("InvalidPolicy", "done")}
        assert (f"value-{number}" in raced.state["using"]) == (outcome[0] == "done")
        assert (f"value-{number}" in raced.state["values"]) == (outcome[0] == "done")


def test_two_who_create_the_same_suffix_get_one_api_and_one_error(raced: Raced) -> None:
    assert [sorted(pair) for pair in raced.outcomes["create"]] == [["AlreadyExists", "done"]] * ROUNDS


def test_two_who_save_over_the_same_revision_have_one_winner(raced: Raced) -> None:
    assert [sorted(pair) for pair in raced.outcomes["update"]] == [["EditConflict", "done"]] * ROUNDS


def test_two_who_put_with_the_same_etag_have_one_winner(raced: Raced) -> None:
    assert [sorted(pair) for pair in raced.outcomes["put"]] == [["200", "412"]] * REST_ROUNDS


def test_two_who_put_only_what_is_not_there_have_one_winner(raced: Raced) -> None:
    assert [sorted(pair) for pair in raced.outcomes["only"]] == [["201", "412"]] * REST_ROUNDS
    assert [raced.state["versions"][f"only-{number}"] for number in range(REST_ROUNDS)] == [1] * REST_ROUNDS


def test_two_who_patch_different_members_both_win(raced: Raced) -> None:
    assert raced.outcomes["patch"] == [("200", "200")] * REST_ROUNDS
    assert raced.state["patched"] == [["Patched", 7]] * REST_ROUNDS


def test_two_who_replace_a_certificate_with_the_same_etag_have_one_winner(raced: Raced) -> None:
    assert [sorted(pair) for pair in raced.outcomes["replace"]] == [["200", "412"]] * REST_ROUNDS
    assert [raced.state["materials"][f"replace-{number}"] for number in range(REST_ROUNDS)] == [
        2
    ] * REST_ROUNDS


def test_two_who_put_a_certificate_that_is_new_create_and_replace_it(raced: Raced) -> None:
    assert [sorted(pair) for pair in raced.outcomes["upsert"]] == [["200", "201"]] * REST_ROUNDS
    assert [raced.state["materials"][f"upsert-{number}"] for number in range(REST_ROUNDS)] == [
        2
    ] * REST_ROUNDS


def test_two_who_delete_a_certificate_both_find_it_gone(raced: Raced) -> None:
    assert [sorted(pair) for pair in raced.outcomes["drop"]] == [["200", "204"]] * REST_ROUNDS


def test_two_who_put_a_named_value_with_the_same_etag_have_one_winner(raced: Raced) -> None:
    assert [sorted(pair) for pair in raced.outcomes["put-value"]] == [["200", "412"]] * REST_ROUNDS


def test_two_who_put_a_named_value_that_is_new_create_and_replace_it(raced: Raced) -> None:
    assert [sorted(pair) for pair in raced.outcomes["upsert-value"]] == [["200", "201"]] * REST_ROUNDS


def test_two_who_patch_different_members_of_a_subscription_both_win(raced: Raced) -> None:
    assert raced.outcomes["member"] == [("200", "200")] * REST_ROUNDS
    assert raced.state["members"] == [["Renamed", "suspended"]] * REST_ROUNDS
