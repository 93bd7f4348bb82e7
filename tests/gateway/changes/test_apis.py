import pytest

from gateway.changes.apis import delete_api, update_api
from gateway.changes.operations import METHODS
from gateway.changes.security import BasicCredentials, CertificateCredentials, NoCredentials, read_security
from gateway.errors import AlreadyExists, EditConflict, Invalid, NeedsConfirmation
from gateway.models import Api, AuditEntry, NamedValue, Operation, PolicyDocument
from tests.builders import ALICE, choose, make_api, make_certificate, make_operation

pytestmark = pytest.mark.django_db


def settings_of(api: Api, **changed: object) -> dict[str, object]:
    names = ("display_name", "description", "web_service_url", "suffix", "http", "https")
    return {**{name: getattr(api, name) for name in names}, **changed}


def test_an_api_gets_an_id_made_from_its_name_and_trusts_as_strictly_as_can_be() -> None:
    api = make_api("Partner Bank")
    trust = read_security(api).trust
    assert api.resource_id == "partner-bank"
    assert (trust.validate_chain, trust.validate_name, trust.public_cas) == (True, True, True)
    assert read_security(api).credentials == NoCredentials()


def test_all_operations_is_one_for_every_verb() -> None:
    make_api(all_operations=True)
    found = Operation.objects.values_list("method", "url_template")
    assert sorted(found) == sorted((method, "/*") for method in METHODS)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("display_name", {"display_name": " "}),
        ("display_name", {"display_name": "x" * 101, "suffix": "x"}),
        ("web_service_url", {"web_service_url": "ftp://bank.example"}),
        ("web_service_url", {"web_service_url": "bank.example"}),
        ("web_service_url", {"web_service_url": "https://user:pass@bank.example"}),
        ("web_service_url", {"web_service_url": "https://bank.example/?a=b"}),
        ("web_service_url", {"web_service_url": "https://bank.example/#top"}),
        ("web_service_url", {"web_service_url": "https://127.0.0.1/"}),
        ("web_service_url", {"web_service_url": "https://169.254.169.254/latest"}),
        ("suffix", {"suffix": "/bank"}),
        ("suffix", {"suffix": "bank/"}),
        ("suffix", {"suffix": "a/../b"}),
        ("scheme", {"http": False, "https": False}),
    ],
)
def test_a_bad_value_is_an_error_of_that_value(field: str, values: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refused:
        make_api(**values)
    assert list(refused.value.errors) == [field]
    assert not Api.objects.exists()


def test_the_error_of_a_url_with_user_info_does_not_repeat_the_password() -> None:
    with pytest.raises(Invalid) as refused:
        make_api(web_service_url="https://user:hunter2@bank.example")
    assert "hunter2" not in str(refused.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        make_api("", web_service_url="nothing", suffix="/")
    assert set(refused.value.errors) == {"display_name", "web_service_url", "suffix"}


def test_loopback_is_allowed_where_the_settings_say_so(settings) -> None:
    settings.GATEWAY_ALLOWED_BACK_END_NETWORKS = ["127.0.0.0/8"]
    assert make_api(web_service_url="https://127.0.0.1:8443").web_service_url == "https://127.0.0.1:8443"


def test_a_suffix_has_one_spelling_so_that_nobody_takes_the_calls_of_another_api() -> None:
    assert make_api("One", suffix="partner%2dbank/a%2fb").suffix == "partner-bank/a%2Fb"
    with pytest.raises(AlreadyExists):
        make_api("Two", suffix="partner-bank/a%2Fb")


def test_a_taken_suffix_is_refused_without_regard_to_case() -> None:
    make_api("One", suffix="bank")
    with pytest.raises(AlreadyExists) as refused:
        make_api("Two", suffix="BANK")
    assert "“One”" in refused.value.errors["suffix"][0]


def test_suffixes_may_nest_and_one_may_be_empty() -> None:
    make_api("One", suffix="bank")
    make_api("Two", suffix="bank/accounts")
    make_api("Three", suffix="")
    with pytest.raises(AlreadyExists):
        make_api("Four", suffix="")


def test_an_update_audits_only_what_changed() -> None:
    api = make_api()
    update_api(ALICE, api.key, revision=api.revision, **settings_of(api, description="Pays."))
    entry = AuditEntry.objects.order_by("-revision")[0]
    assert entry.changes == {"description": ["", "Pays."]}


def test_an_update_over_somebody_elses_is_a_conflict() -> None:
    api = make_api()
    update_api(ALICE, api.key, revision=api.revision, **settings_of(api, description="First."))
    with pytest.raises(EditConflict) as refused:
        update_api(ALICE, api.key, revision=api.revision, **settings_of(api, description="Second."))
    assert refused.value.revision > api.revision
    assert Api.objects.get().description == "First."


def test_an_api_that_presents_a_certificate_stays_on_https() -> None:
    api = make_api()
    choose(api, make_certificate())
    with pytest.raises(Invalid) as refused:
        update_api(ALICE, api.key, **settings_of(api, web_service_url="http://bank.example"))
    assert list(refused.value.errors) == ["web_service_url"]


def test_a_certificate_is_not_chosen_for_an_http_back_end() -> None:
    api = make_api(web_service_url="http://bank.example")
    with pytest.raises(Invalid) as refused:
        choose(api, make_certificate())
    assert list(refused.value.errors) == ["certificate"]
    assert read_security(api).credentials == NoCredentials()


def test_presenting_a_certificate_to_another_host_asks_first() -> None:
    api, certificate = make_api(), make_certificate()
    choose(api, certificate)
    values = settings_of(api, web_service_url="https://other.example")
    with pytest.raises(NeedsConfirmation) as asked:
        update_api(ALICE, api.key, **values)
    assert "other.example" in str(asked.value)
    assert "partner-bank" in str(asked.value)
    update_api(ALICE, api.key, confirmed=True, **values)
    assert Api.objects.get().web_service_url == "https://other.example"


def test_sending_a_password_to_another_host_asks_first() -> None:
    api = make_api()
    choose(api, BasicCredentials("alice", "hunter2"))
    values = settings_of(api, web_service_url="https://other.example")
    with pytest.raises(NeedsConfirmation, match="passwords and other secrets of its policies to https"):
        update_api(ALICE, api.key, **values)
    update_api(ALICE, api.key, confirmed=True, **values)
    assert Api.objects.get().web_service_url == "https://other.example"


def test_another_path_of_the_same_host_does_not_ask() -> None:
    api = make_api()
    choose(api, make_certificate())
    update_api(ALICE, api.key, **settings_of(api, web_service_url="https://bank.example/v2"))


def test_deleting_an_api_takes_its_operations_policies_and_password_along() -> None:
    api = make_api()
    make_operation(api, rewrite_template="/v2/{id}")
    choose(api, BasicCredentials("alice", "hunter2"))
    delete_api(ALICE, api.key)
    assert not Operation.objects.exists()
    assert not NamedValue.objects.exists()
    assert [document.scope for document in PolicyDocument.objects.all()] == ["global"]


def test_choosing_the_same_again_writes_the_document_once() -> None:
    api, certificate = make_api(), make_certificate()
    choose(api, certificate)
    revision = api.policy_document.revision
    choose(api, certificate)
    api.policy_document.refresh_from_db()
    assert api.policy_document.revision == revision
    assert read_security(api).credentials == CertificateCredentials(certificate.key)
