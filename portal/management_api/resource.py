"""What an entity of the REST API is: one subclass for each, an instance for each address at which it is found.

The table of them (portal.management_api.table) is all that the two dialects and the OpenAPI description go by.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest

from gateway.changes.base import Actor
from gateway.models.base import ConfigurationRow, with_id
from portal.management_api.access import Caller
from portal.management_api.bodies import Schema, json_body, properties_of
from portal.management_api.filters import Field
from portal.management_api.queries import query

R = TypeVar("R", bound=ConfigurationRow)


@dataclass(frozen=True, slots=True)
class Call:
    """A request for something of an entity: who makes it, and where.

    `base` is what the ids of answers begin with. `parents` are the rows that the address names before the entity,
    the outermost first. `expected` is the revision that a change has to find, None for any.
    """

    request: HttpRequest
    caller: Caller
    base: str
    parents: tuple[Any, ...] = ()
    expected: int | None = None

    @property
    def actor(self) -> Actor:
        return self.caller.actor

    @property
    def confirmed(self) -> bool:
        """Whether the caller agreed to what a change would come to (see gateway.errors.NeedsConfirmation)."""
        return self.query("confirm").lower() == "true"

    def query(self, name: str) -> str:
        """A parameter of the query, "" without it."""
        return query(self.request, name)

    def refused(self, resource: "Resource[Any]") -> dict[str, str]:
        """The parameters of the query that are not supported, each with what to do instead."""
        return {name: text for name, text in resource.refused_parameters.items() if self.query(name)}


@dataclass(frozen=True, slots=True)
class Done:
    """What an action came to: a status, a body or None, and the revision of the change if it made one.

    `etag` is the revision of the entity in the body, or of which the body is a secret.
    """

    status: int
    content: Any = None
    revision: int | None = None
    etag: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What POST to {entity}/{name} does. `run` takes the call, the row and the members of the body.

    `answer` is the schema of what it answers with, None where that is nothing. `summary` is for the description.
    """

    name: str
    summary: str
    run: Callable[[Call, Any, dict[str, Any]], Done]
    schema: Schema | None = None
    answer: Schema | None = None
    statuses: tuple[int, ...] = (200,)
    addition: bool = False


class Resource(Generic[R]):
    """An entity; subclasses say what it is made of, and which changes its methods come to."""

    segment: ClassVar[str]  # of its address: "certificates"
    label: ClassVar[str]  # in messages: "Certificate not found."
    parameter: ClassVar[str] = ""  # of the URL template: "certificateId"
    schema: ClassVar[Schema]  # members of `properties`; see portal.management_api.bodies
    required: ClassVar[tuple[str, ...]] = ()  # of them, in PUT and in POST to the list
    refused: ClassVar[
        Mapping[str, str]
    ] = {}  # members of the original that are not supported, and what to do
    targets: ClassVar[Mapping[str, str]] = {}  # names of a change's values -> members, for errors
    filters: ClassVar[Mapping[str, Field]] = {}  # what $filter may name
    methods: ClassVar[frozenset[str]] = frozenset({"PUT", "PATCH", "DELETE"})  # beside GET and HEAD
    actions: ClassVar[tuple[Action, ...]] = ()
    order: ClassVar[Any] = Lower("resource_id")
    deleted: ClassVar[int] = 200  # the status that says that an entity is deleted
    upserts: ClassVar[bool] = True  # PUT without If-Match may change what is there
    addition: ClassVar[bool] = False  # ours, not of the original
    singleton: ClassVar[bool] = False  # of its parent there is one, without list and id: apis/bank/trust
    queries: ClassVar[
        Schema
    ] = {}  # query parameters of its own, each with its JSON Schema, for the description
    refused_parameters: ClassVar[Mapping[str, str]] = {}  # of queries to read it, and what to do

    def __init__(self, parent: "Resource[Any] | None" = None) -> None:
        self.parent = parent

    # --- what there is ----------------------------------------------------------------------------------------
    def rows(self, parents: tuple[Any, ...]) -> QuerySet[R]:
        """The rows below some parents, with what `properties` needs."""
        raise NotImplementedError

    def find(self, parents: tuple[Any, ...], name: str) -> R | None:
        """The one with that id; a singleton is the first of the rows."""
        found: Any = self.rows(parents) if self.singleton else with_id(self.rows(parents), name)
        row: R | None = found.first()
        return row

    def id_of(self, row: R) -> str:
        """Its id, the last part of its address."""
        return str(row.resource_id)  # type: ignore[attr-defined]

    def revision(self, row: R) -> int:
        """The revision that its ETag is made of: what a change compares."""
        return row.revision

    def in_effect_from(self, row: R) -> int:
        """The revision from which on a gateway does what an entity says: its own, or that of what it refers to."""
        return self.revision(row)

    def properties(self, call: Call, row: R) -> dict[str, Any]:
        """The members of `properties` in an answer."""
        raise NotImplementedError

    def more_properties(self, call: Call, row: R) -> dict[str, Any]:
        """What `properties` has beyond that where one is asked for: in lists it would cost too much."""
        return {}

    def listed(self, call: Call) -> QuerySet[R]:
        """The rows of a list, before $filter."""
        return self.rows(call.parents)

    def entity(self, call: Call, row: R, *, alone: bool = False) -> dict[str, Any]:
        """It as answers have it, in a list or `alone`."""
        more = self.more_properties(call, row) if alone else {}
        return {
            "id": call.base + self.address(call.parents, row),
            "type": self.type,
            "name": self.id_of(row),
            "properties": {**self.properties(call, row), **more},
        }

    def given(self, request: HttpRequest, required: Iterable[str] = ()) -> dict[str, Any]:
        """The members that a request's body gives, judged by the schema. Raises ApiError."""
        return properties_of(json_body(request), self.schema, required=required, refused=self.refused)

    # --- what can be done: each comes to a change, and raises what that raises ----------------------------------
    def create(self, call: Call, name: str, given: dict[str, Any]) -> R:
        """PUT where nothing is; `given` are the members, judged by the schema."""
        raise NotImplementedError

    def update(self, call: Call, row: R, given: dict[str, Any]) -> R:
        """PUT where something is: members that are not given get their defaults."""
        raise NotImplementedError

    def patch(self, call: Call, row: R, given: dict[str, Any]) -> R:
        """PATCH: members that are not given stay what they are (RFC 7396), which is what `row` has.

        `call.expected` is the revision of `row`: whoever changed it meanwhile is not written over.
        """
        raise NotImplementedError

    def add(self, call: Call, given: dict[str, Any]) -> R:
        """POST to the list, for entities whose id is made here ("POST" is in `methods` then)."""
        raise NotImplementedError

    def delete(self, call: Call, row: R) -> int:
        """DELETE; the revision of the change."""
        raise NotImplementedError

    # --- addresses --------------------------------------------------------------------------------------------
    def path(self) -> tuple[tuple[str, str], ...]:
        """Pairs of segment and parameter, the outermost entity first; a singleton has no parameter."""
        before = self.parent.path() if self.parent else ()
        return (*before, (self.segment, "" if self.singleton else self.parameter))

    @property
    def template(self) -> str:
        """The URL template of an entity's address below that of the service: /apis/{apiId}/trust."""
        return "".join(f"/{segment}/{{{name}}}" if name else f"/{segment}" for segment, name in self.path())

    @property
    def type(self) -> str:
        """As ARM names it: Microsoft.ApiManagement/service/apis/operations."""
        return "/".join(("Microsoft.ApiManagement/service", *(segment for segment, _ in self.path())))

    def chain(self) -> tuple["Resource[Any]", ...]:
        """The entities of its address, the outermost first, itself last."""
        return (*(self.parent.chain() if self.parent else ()), self)

    def address(self, parents: tuple[Any, ...], row: R) -> str:
        """Its address below that of the service: /apis/bank/operations/get."""
        chain = self.chain()
        parts = zip(chain, (*parents, row), strict=True)
        return "".join(
            f"/{each.segment}" if each.singleton else f"/{each.segment}/{each.id_of(one)}"
            for each, one in parts
        )


def is_already(row: ConfigurationRow, values: Mapping[str, Any]) -> bool:
    """Whether nothing would change: then no revision is spent on it, and no audit entry."""
    return all(getattr(row, name) == value for name, value in values.items())
