"""$filter of lists: the part of OData that the original knows, as a condition of the database.

Comparisons (ge le eq ne gt lt), and, or, not, parentheses, and the functions substringof('x',field),
contains(field,'x'), startswith and endswith. Text is compared without regard to case, as ids are everywhere: A to Z
on every database, other letters where the database knows their case. What is null fulfils no comparison but
"eq null", and "ne" with anything else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, NoReturn

from django.db.models import F, Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from portal.management_api.errors import ApiError, Detail, incorrect

MOST_CHARACTERS, MOST_TERMS, MOST_DEPTH = 4000, 50, 20

_WHAT = {"text": "text", "upper": "text", "words": "a list", "time": "a time", "boolean": "true or false"}
_TEXTS = ("text", "upper", "words")
_ORDERS: dict[str, Any] = {
    "lt": LessThan,
    "le": LessThanOrEqual,
    "gt": GreaterThan,
    "ge": GreaterThanOrEqual,
}
_OPERATORS = ("eq", "ne", *_ORDERS)
_ANY = "/any"
_FUNCTIONS = {
    "substringof": "icontains",
    "contains": "icontains",
    "startswith": "istartswith",
    "endswith": "iendswith",
}
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<time>(?:datetime|datetimeoffset)'(?P<quoted>[^']*)'
        | \d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?(?![\w.:+-]))
    | (?P<text>'(?:[^']|'')*')
    | (?P<word>[A-Za-z_][\w./]*)
    | (?P<sign>[(),:])
    | (?P<end>$)
    )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field that $filter may name: the column behind it, and what its literals are.

    "upper" is text that is stored in upper case, as thumbprints are: an index of the column itself serves for that.
    "words" is a list of words, whose column is the text of the JSON. No word holds a quotation mark or a comma.
    `prefix` is what text has in answers before what the column has: literals may have it, too.
    """

    column: str
    kind: Literal["text", "upper", "words", "time", "boolean"] = "text"
    prefix: str = ""

    @property
    def is_text(self) -> bool:
        """Whether its literals are text."""
        return self.kind in _TEXTS


def condition(text: str, fields: Mapping[str, Field]) -> Q:
    """The rows that a $filter lets through. Raises ApiError on "$filter"."""
    if not text.strip():
        return Q()
    if len(text) > MOST_CHARACTERS:
        raise _error(f"Use at most {MOST_CHARACTERS} characters.")
    if "\0" in text:  # which PostgreSQL does not take
        raise _error("Leave out the NUL character.")
    return _Parser(text, fields).whole()


def _error(message: str) -> ApiError:
    return incorrect(Detail("$filter", message))


class _Token(NamedTuple):
    kind: str  # time, text, word, sign or end
    text: str
    position: int  # counted from 1

    @property
    def lower(self) -> str:
        return self.text.lower() if self.kind in ("word", "sign") else ""

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"'{self.text}' at position {self.position}"


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while True:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _error(f"What begins at position {len(text) - len(text[at:].lstrip()) + 1} cannot be read.")
        kind = next(name for name in ("time", "text", "word", "sign", "end") if match[name] is not None)
        found.append(_Token(kind, match["quoted"] or match[kind], match.start(kind) + 1))
        if kind == "end":
            return found
        at = match.end()


class _Parser:
    """Goes through the tokens once; each method takes what it is named for."""

    def __init__(self, text: str, fields: Mapping[str, Field]) -> None:
        self.tokens, self.at = _tokens(text), 0
        self.names = {name.lower(): name for name in fields}
        self.fields = fields
        self.terms = self.depth = 0

    def whole(self) -> Q:
        found = self._either()
        if self._now.kind != "end":
            self._expected("'and' or 'or'")
        return found

    @property
    def _now(self) -> _Token:
        return self.tokens[self.at]

    def _next(self) -> _Token:
        token = self._now
        self.at += token.kind != "end"
        return token

    def _took(self, word: str) -> bool:
        if self._now.lower != word:
            return False
        self.at += 1
        return True

    def _expected(self, what: str) -> NoReturn:
        raise _error(f"Expected {what}, not {self._now}.")

    def _take(self, sign: str) -> None:
        if not self._took(sign):
            self._expected(f"'{sign}'")

    # --- terms ------------------------------------------------------------------------------------------------
    def _either(self) -> Q:
        found = self._both()
        while self._took("or"):
            found |= self._both()
        return found

    def _both(self) -> Q:
        found = self._one()
        while self._took("and"):
            found &= self._one()
        return found

    def _one(self) -> Q:
        if self._took("not"):
            return ~self._deeper(self._one)
        if self._took("("):
            found = self._deeper(self._either)
            self._take(")")
            return found
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise _error(f"Use at most {MOST_TERMS} comparisons.")
        return self._any() if self._now.lower.endswith(_ANY) else self._term()

    def _term(self) -> Q:
        is_call = self.tokens[min(self.at + 1, len(self.tokens) - 1)].lower == "("
        return self._function() if is_call else self._comparison()

    def _deeper(self, part: Any) -> Q:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise _error(f"Use at most {MOST_DEPTH} levels of parentheses and 'not'.")
        found: Q = part()
        self.depth -= 1
        return found

    # --- functions --------------------------------------------------------------------------------------------
    def _function(self) -> Q:
        name = self._next()
        if name.lower not in _FUNCTIONS:
            raise _error(f"{name} is no function here. Use one of: {', '.join(_FUNCTIONS)}.")
        self._take("(")
        first = self._next()
        self._take(",")
        second = self._next()
        self._take(")")
        # Versions of OData differ in which comes first, and there is no mistaking one for the other
        which, literal = (second, first) if first.kind == "text" else (first, second)
        field = self._field(which)
        if not field.is_text:
            raise _error(f"{name} is not for '{which.text}', which is {_WHAT[field.kind]}.")
        text = _text(literal).removeprefix(field.prefix)
        text = _in_words(name.lower, text) if field.kind == "words" else text
        lookup = "icontains" if field.kind == "words" else _FUNCTIONS[name.lower]
        found = _there(field) & Q(**{f"{field.column}__{lookup}": text})
        return found if self._is_meant() else ~found

    def _any(self) -> Q:
        """What is true of one word of a list: tags/any(t: t eq 'x'), with one comparison or function."""
        name = self._next()
        field = self._field(name._replace(text=name.text[: -len(_ANY)]))
        if field.kind != "words":
            raise _error(f"{name} is for lists, which this is not.")
        self._take("(")
        each = self._next()
        self._take(":")
        outer, self.names, self.fields = (
            (self.names, self.fields),
            {each.lower: each.text},
            {each.text: field},
        )
        found = self._term()
        self.names, self.fields = outer
        if found.negated:
            raise _error(f"Write 'not' before {name} instead of a comparison that denies something in it.")
        self._take(")")
        return found

    def _is_meant(self) -> bool:
        """What may follow a function: "eq true", as older versions of OData demand, or the like."""
        if self._now.lower not in ("eq", "ne"):
            return True
        same, value = self._next().lower == "eq", self._next()
        return same == _boolean(value)

    # --- comparisons ------------------------------------------------------------------------------------------
    def _comparison(self) -> Q:
        name = self._next()
        field, operator = self._field(name), self._next()
        if operator.lower not in _OPERATORS:
            raise _error(f"Expected one of {', '.join(_OPERATORS)}, not {operator}.")
        literal = self._next()
        is_null = literal.lower == "null"
        if operator.lower in _ORDERS and (is_null or field.kind in ("boolean", "words")):
            what = "null" if is_null else f"'{name.text}', which is {_WHAT[field.kind]}"
            raise _error(f"{operator} is not for {what}. Use eq or ne.")
        found = _is_null(field) if is_null else _compared(field, operator.lower, literal)
        return ~found if operator.lower == "ne" else found

    def _field(self, token: _Token) -> Field:
        if token.lower not in self.names:
            known = ", ".join(self.fields)
            hint = f"Use one of: {known}." if known else "This list cannot be filtered."
            raise _error(f"{token} is no field to filter by. {hint}")
        return self.fields[self.names[token.lower]]


def _is_null(field: Field) -> Q:
    """Text that was not given is "" here, and null in answers."""
    found = Q(**{f"{field.column}__isnull": True})
    if field.kind == "words":
        return found | Q(**{field.column: "[]"})
    return found | Q(**{field.column: ""}) if field.is_text else found


def _there(field: Field) -> Q:
    """What makes a comparison true or false, whatever is null: SQL knows a third, which "not" leaves as it is."""
    return Q(**{f"{field.column}__isnull": False})


def _compared(field: Field, operator: str, literal: _Token) -> Q:
    if field.kind == "boolean":
        return _there(field) & Q(**{field.column: _boolean(literal)})
    if field.kind == "words":
        return _there(field) & Q(**{f"{field.column}__icontains": _in_words(operator, _text(literal))})
    order = _ORDERS.get(operator, Exact)
    if field.kind == "time":
        return _there(field) & Q(order(F(field.column), Value(_time(literal))))
    if field.kind == "upper":
        return _there(field) & Q(order(F(field.column), Value(_text(literal).upper())))
    # As indexes of ids are made: __iexact would look at every row
    return _there(field) & Q(
        order(Lower(field.column), Lower(Value(_text(literal).removeprefix(field.prefix))))
    )


# --- literals -----------------------------------------------------------------------------------------------------
def _text(token: _Token) -> str:
    if token.kind != "text":
        raise _error(f"Expected a text such as 'x', not {token}.")
    return token.text[1:-1].replace("''", "'")


def _in_words(how: str, text: str) -> str:
    """What stands in the JSON of a list, one of whose words is the text, begins or ends with it, or contains it."""
    if not text.strip(" []") or '"' in text:
        raise _error("Use a text that can be in a word.")
    before = '"' if how in ("eq", "ne", "startswith") else ""
    after = '"' if how in ("eq", "ne", "endswith") else ""
    return f"{before}{text}{after}"


def _boolean(token: _Token) -> bool:
    if token.lower not in ("true", "false"):
        raise _error(f"Expected true or false, not {token}.")
    return token.lower == "true"


def _time(token: _Token) -> datetime:
    if token.kind not in ("time", "text"):
        raise _error(f"Expected a time such as 2036-01-01T07:00:00Z, not {token}.")
    try:
        found = datetime.fromisoformat(token.text.strip("'"))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _error(f"{token} is no time. Write it like 2036-01-01T07:00:00Z.") from None
