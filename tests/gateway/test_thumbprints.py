import pytest

from gateway.thumbprints import normalise_thumbprint

THUMBPRINT = "8E989652CABCF585ACBFCB9C2C91F1D174FDB3A2"


@pytest.mark.parametrize(
    "pasted",
    [
        THUMBPRINT.lower(),
        "\u200e" + THUMBPRINT,
        ":".join(THUMBPRINT[n : n + 2] for n in range(0, 40, 2)),
        " ".join(THUMBPRINT[n : n + 2] for n in range(0, 40, 2)),
        f"\ufeff{THUMBPRINT[:20]}\u200b\u00a0\t{THUMBPRINT[20:]}\r\n",
    ],
)
def test_a_pasted_thumbprint_becomes_the_stored_one(pasted: str) -> None:
    assert normalise_thumbprint(pasted) == THUMBPRINT


def test_what_only_looks_empty_is_empty() -> None:
    assert normalise_thumbprint(" \u200e:\u200b\t") == ""
