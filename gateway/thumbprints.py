"""Thumbprints as people paste them. Pure."""

import re
import unicodedata

_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def normalise_thumbprint(text: str) -> str:
    """A thumbprint as it is stored: upper-case, without white space, colons and invisible characters.

    Certificate dialogs put a U+200E before the first digit when a thumbprint is copied from them. What is
    left is not checked: a thumbprint that nothing has "could not be resolved", however it is spelt.
    """
    kept = (c for c in text if c != ":" and unicodedata.category(c) not in _INVISIBLE)
    return "".join(kept).upper()


def as_written(text: str) -> str:
    """A thumbprint as messages show it: as it was written, but for what cannot be seen."""
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf")).strip()


def looks_like_thumbprint(text: str) -> str | None:
    """A text that somebody searches for, normalised, if it is a thumbprint or 4 or more digits of one."""
    pasted = normalise_thumbprint(text)
    return pasted if re.fullmatch("[0-9A-F]{4,64}", pasted) else None
