"""Ids of rows in the portal's addresses.

Django quotes what an address may not hold. What is left are the ids "." and "..": a browser would take them for
steps through the path. An id holds no apostrophe, so they are written behind one.
"""

_MARK = "'"


class RowId:
    """A path converter for ids as gateway.models.base.ID_PATTERN allows them."""

    regex = r"[^/\x00-\x1f\x7f]+"  # PostgreSQL fails on a NUL

    def to_python(self, value: str) -> str:
        """The id that an address names."""
        return value.removeprefix(_MARK)

    def to_url(self, value: str) -> str:
        """The id as it stands in an address, before Django quotes it."""
        return _MARK + value if value in {".", ".."} else value
