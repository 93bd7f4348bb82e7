"""Policy documents -> effective policies: those of some scopes, or of all."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from gateway.models import PolicyDocument
from gateway.policies import effective, parser
from gateway.policies.effective import Sections
from gateway.policies.parser import Document, PolicyErrors
from gateway.policies.references import references_of
from gateway.publish.names import Names
from gateway.publish.parts import GLOBAL, Keys, chosen, text
from gateway.snapshot import EffectivePolicy, SetBackendService

_COLUMNS = (
    "key",
    "revision",
    "xml",
    "api_id",
    "operation_id",
    "operation__api_id",
    "api__display_name",
    "operation__display_name",
)


def policies(using: str, keys: Keys) -> Iterator[EffectivePolicy]:
    """One policy for each scope that has a document of its own; keys are those of APIs and operations."""
    if keys is not None and not keys:
        return
    texts = {one.scope_key: one for one in _texts(using, keys)}
    names = Names.read(using, None if keys is None else [one.key for one in texts.values()])
    for key in texts.keys() | {GLOBAL} if keys is None else texts.keys() & keys:
        yield _resolve(key, texts, names)


@dataclass(frozen=True, slots=True)
class _Text:
    """A document as it was read: parsed, or with the problem that it has; and the named values in it.

    `api` is the key of the API around an operation's document.
    """

    key: UUID
    scope_key: str
    api: str
    revision: int
    document: Document | None
    named_values: tuple[str, ...] = ()
    problem: str = ""


def _texts(using: str, keys: Keys) -> Iterator[_Text]:
    """The documents of some scopes, and of the broader scopes around them."""
    documents = PolicyDocument.objects.using(using)
    read = _Reading()
    if keys is None:
        yield from read.texts(documents)
        return
    around = set(keys) - {GLOBAL}
    for some in chosen(documents, "operation", tuple(around)):
        for one in read.texts(some):
            around.add(one.api)
            yield one
    for some in chosen(documents, "api", around):
        yield from read.texts(some)
    yield from read.texts(documents.filter(api=None, operation=None))


class _Reading:
    """Parses a text once, in however many scopes it stands."""

    def __init__(self) -> None:
        self._parsed: dict[tuple[str, str], tuple[Document | None, tuple[str, ...], str]] = {}

    def texts(self, rows: QuerySet[PolicyDocument]) -> Iterator[_Text]:
        for columns in rows.values_list(*_COLUMNS).iterator():
            yield self._text(*columns)

    def _text(
        self,
        key: UUID,
        revision: int,
        xml: str,
        api: UUID | None,
        operation: UUID | None,
        parent: UUID | None,
        *names: str | None,
    ) -> _Text:
        own, around = operation or api, text(parent) if parent else ""
        scope = "operation" if operation else "api" if api else "global"
        document, named_values, problem = self._parse(xml, scope)
        if problem:
            name = next((name for name in reversed(names) if name), "All APIs")
            problem = f"The policy of {name} cannot be read: {problem}"
        return _Text(key, text(own) if own else GLOBAL, around, revision, document, named_values, problem)

    def _parse(self, xml: str, scope: str) -> tuple[Document | None, tuple[str, ...], str]:
        """A document is checked when it is saved: one with a problem was written by a newer release."""
        if (xml, scope) not in self._parsed:
            try:
                document = parser.parse(xml, scope)
            except PolicyErrors as error:
                self._parsed[xml, scope] = None, (), str(error)
            else:
                self._parsed[xml, scope] = document, references_of(document).named_values, ""
        return self._parsed[xml, scope]


def _resolve(key: str, texts: dict[str, _Text], names: Names) -> EffectivePolicy:
    own = texts.get(key)
    scopes = (GLOBAL, own.api or key, key) if own else (key,)
    found = {scope: texts[scope] for scope in scopes if scope in texts}.values()
    revision = max((max(one.revision, names.newest(one.named_values)) for one in found), default=0)
    problem = next((one.problem for one in found if one.problem), "")
    if problem:
        return EffectivePolicy(key, revision, problem=problem)
    documents = {one.document.scope: one.document for one in found if one.document}
    try:
        sections = effective.resolve(
            documents.get("global"),
            documents.get("api"),
            documents.get("operation"),
            names.certificate,
            names.named_value,
            back_end=lambda name: names.back_end(name).url,
        )
    except LookupError as error:
        return EffectivePolicy(key, revision, problem=str(error))
    return EffectivePolicy(key, max(revision, _newest_back_end(sections, names)), *sections)


def _newest_back_end(sections: Sections, names: Names) -> int:
    """The newest revision of the back ends whose URLs are in a policy."""
    statements = (*sections.inbound, *sections.backend)
    named = (s.back_end for s in statements if isinstance(s, SetBackendService) and s.back_end)
    return max((names.back_end(name).revision for name in named), default=0)
