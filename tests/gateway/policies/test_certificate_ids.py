"""A statement names another certificate, and every other character of its document stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policies.certificate_ids import with_certificate_id
from gateway.policies.elements import Element, read_xml
from gateway.policies.parser import parse

NAME = "authentication-certificate"


def elements(xml: str) -> list[Element]:
    return [each for each in read_xml(xml).walk() if each.name == NAME]


def rewritten(xml: str, certificate_id: str = "bank") -> str:
    return with_certificate_id(xml, elements(xml), certificate_id)


def in_inbound(statement: str) -> str:
    return f'<!-- thumbprint="AB" -->\r\n<policies>\r\n\t<inbound>{statement}</inbound >\r\n</policies>\r\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'<{NAME} thumbprint="AB" />', f'<{NAME} certificate-id="bank" />'),
        (f"<{NAME} thumbprint='ab:cd'/>", f"<{NAME} certificate-id='bank'/>"),
        (f'<{NAME}\n\t thumbprint  =\r\n "{{{{x}}}}"\n/>', f'<{NAME}\n\t certificate-id  =\r\n "bank"\n/>'),
        (f'<{NAME} certificate-id = "other"></{NAME} >', f'<{NAME} certificate-id = "bank"></{NAME} >'),
        (
            f"""<{NAME} a=" thumbprint='1'" thumbprint='2' b='certificate-id="3"'/>""",
            f"""<{NAME} a=" thumbprint='1'" certificate-id='bank' b='certificate-id="3"'/>""",
        ),
        (f'<{NAME} thumbprint="&#x41;&gt;B" />', f'<{NAME} certificate-id="bank" />'),
        (f'<{NAME} password="x" />', f'<{NAME} password="x" />'),
    ],
)
def test_only_the_attribute_that_names_the_certificate_changes(before: str, after: str) -> None:
    assert rewritten(in_inbound(before)) == in_inbound(after)


def test_only_the_statements_that_are_meant_change_wherever_they_stand() -> None:
    one, two, three = (f'<{NAME} thumbprint="{text}" />' for text in ("1", "22", "333"))
    xml = in_inbound(f"<!-- {two} -->{one}{two}<![CDATA[]]>{three}")
    found = elements(xml)
    changed = f'<{NAME} certificate-id="bank" />'
    assert with_certificate_id(xml, [found[0], found[2]], "bank") == in_inbound(
        f"<!-- {two} -->{changed}{two}<![CDATA[]]>{changed}"
    )
    assert with_certificate_id(xml, [], "bank") == xml


@settings(max_examples=25)
@given(
    quote=st.sampled_from("\"'"),
    name=st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20
    ).filter(lambda text: "\ufffe" not in text and "\uffff" not in text),
)
def test_whatever_the_id_is_the_document_says_it(quote: str, name: str) -> None:
    before = f"<policies><inbound><{NAME} thumbprint={quote}AB{quote} /></inbound></policies>"
    after = rewritten(before, name)
    (element,) = elements(after)
    assert dict(element.attributes) == {"certificate-id": name}
    assert after.startswith(before[: before.index("thumbprint")])
    assert after.endswith(" /></inbound></policies>")


def test_a_document_that_was_valid_stays_so() -> None:
    xml = f'<policies><inbound><base /><{NAME} thumbprint="AB" /></inbound></policies>'
    assert parse(rewritten(xml, "Müller & <Söhne>"), "operation")
