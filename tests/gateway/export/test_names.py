"""Ids become names that no file system and no git mistakes, and come back."""

import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.export.names import MOST_BYTES, file_name

# What gateway.models.base.ID_PATTERN lets in
IDS = st.text(
    st.characters(exclude_characters="/\\%'\"\x7f", exclude_categories=["Cs"], min_codepoint=0x20),
    min_size=1,
    max_size=80,
)
DEVICES = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))}


def id_of(name: str) -> str | None:
    """The id that a name stands for; None for one that was cut."""
    return None if "%-" in name else unquote(name, errors="strict")


@pytest.mark.parametrize(
    ("resource_id", "name"),
    [
        ("partner-bank", "partner-bank"),
        ("Partner_Bank.v2", "Partner_Bank.v2"),
        ("a:b", "a%3Ab"),
        ("two words", "two%20words"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        (".git", "%2Egit"),
        ("git~1", "git%7E1"),
        ("-rf", "%2Drf"),
        ("ends.", "ends%2E"),
        ("ends ", "ends%20"),
        ("CON", "%43ON"),
        ("con.v2", "%63on.v2"),
        ("console", "console"),
        ("größe", "grö%C3%9Fe"),
        ("É", "%C3%89"),
        ("\u0131", "%C4%B1"),
        ("é", "é"),
        ("e\u0301", "e%CC%81"),
        ("银行", "银行"),
        ("\u1100\u1161", "%E1%84%80%E1%85%A1"),
        ("\u202eexe", "%E2%80%AEexe"),
    ],
)
def test_an_id_as_a_name(resource_id: str, name: str) -> None:
    assert file_name(resource_id) == name
    assert id_of(name) == resource_id


@given(IDS)
def test_every_id_becomes_a_name_that_can_be_kept_anywhere(resource_id: str) -> None:
    name = file_name(resource_id)
    assert len(f"{name}.json".encode()) <= 255
    assert not set(name) & set('/\\:*?"<>|~ ')
    assert name.isprintable()
    assert name[0] not in ".-"
    assert name[-1] not in ". "
    assert name.partition(".")[0].lower() not in DEVICES
    assert unicodedata.normalize("NFC", name) == name
    assert id_of(name) in (resource_id, None)


@given(IDS, IDS)
def test_two_ids_are_two_names_even_where_case_and_form_do_not_count(one: str, other: str) -> None:
    if one.lower() != other.lower():
        assert _seen(file_name(one)) != _seen(file_name(other))


@given(st.characters(exclude_characters="/\\%'\"\x7f", exclude_categories=["Cs"], min_codepoint=0x80))
def test_a_letter_is_not_taken_for_itself_in_another_case_or_form(letter: str) -> None:
    others = {letter.upper(), letter.lower(), letter.casefold(), unicodedata.normalize("NFD", letter)}
    for other in others - {letter}:
        assert _seen(file_name(letter)) != _seen(file_name(other))


def _seen(name: str) -> str:
    """A name as a file system sees it for which neither case nor form counts."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def test_a_long_id_is_cut_and_still_another_one_than_its_neighbour() -> None:
    one, other = "𐌰" * 80, "𐌰" * 79 + "𐌱"
    assert max(len(file_name(each).encode()) for each in (one, other)) <= MOST_BYTES
    assert file_name(one) != file_name(other)
    assert id_of(file_name(one)) is None
    assert id_of(file_name("银" * 80)) == "银" * 80
