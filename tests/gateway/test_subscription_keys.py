"""Where a key is looked for, and that nothing of it goes on."""

import pytest

from gateway.subscription_keys import taken_key

FIELD = b"ocp-apim-subscription-key"


@pytest.mark.parametrize(
    ("query", "key", "left"),
    [
        (None, None, None),
        ("", None, ""),
        ("a=1", None, "a=1"),
        ("subscription-key=k", b"k", None),
        ("a=1&subscription-key=k&b=%20", b"k", "a=1&b=%20"),
        ("Subscription-Key=k", b"k", None),
        ("%73ubscription%2Dkey=k&&a", b"k", "&a"),
        ("subscription-key=one&subscription-key=two&a=1", b"one", "a=1"),
        ("subscription-key=&a=1", None, "a=1"),
        ("subscription-key", None, "subscription-key"),
        ("x=subscription-key", None, "x=subscription-key"),
        ("subscription-keys=k", None, "subscription-keys=k"),
        ("subscription-key=%6b", b"k", None),
    ],
)
def test_a_key_is_taken_out_of_the_query(query: str | None, key: bytes | None, left: str | None) -> None:
    assert taken_key([], query) == (key, left)


def test_the_field_comes_first_and_the_query_loses_its_key_all_the_same() -> None:
    assert taken_key([(FIELD, b"field")], "subscription-key=query&a") == (b"field", "a")


def test_an_empty_field_is_a_missing_key() -> None:
    assert taken_key([(FIELD, b"")], "subscription-key=query") == (None, None)


def test_of_several_fields_none_counts() -> None:
    assert taken_key([(FIELD, b"one"), (FIELD, b"two")], None) == (b"one, two", None)
