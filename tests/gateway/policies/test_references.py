from gateway.policies.parser import parse
from gateway.policies.references import references_of
from gateway.snapshot import Secret

XML = """<policies>
    <inbound>
        <base />
        <authentication-certificate certificate-id="bank" />
        <authentication-certificate certificate-id=" bank" />
        <authentication-certificate thumbprint="&#x200e;ca 06" />
        <authentication-certificate thumbprint="{{pinned}}" />
        <authentication-basic username="{{user}}-{{tenant}}" password="{{ secret }}" />
    </inbound>
    <backend>
        <forward-request timeout="{{user}}" />
        <!-- {{not-a-reference}} -->
    </backend>
</policies>"""


def test_certificates_and_named_values_are_found_once_each_by_kind() -> None:
    found = references_of(parse(XML, "api"))
    assert found.certificate_ids == ("bank",)
    assert found.thumbprints == ("CA06",)
    assert found.named_values == ("pinned", "user", "tenant", "secret")


def test_a_certificate_that_a_named_value_names_is_found_when_values_are_known() -> None:
    values: dict[str, str | Secret] = {"pinned": "aa:bb"}
    assert references_of(parse(XML, "api"), values.__getitem__).thumbprints == ("CA06", "AABB")


def test_a_reference_knows_the_fault_of_not_being_there() -> None:
    reference = next(item for item in references_of(parse(XML, "api")) if item.kind == "thumbprint")
    assert str(reference.fault()) == (
        "Error in element 'authentication-certificate' on line 6, column 10: "
        "Certificate with thumbprint 'ca 06' could not be resolved."
    )


def test_a_document_without_references_has_none() -> None:
    assert list(references_of(parse("<policies />", "api"))) == []
