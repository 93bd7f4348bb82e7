"""What a trace names, as links to where it can be looked at: as far as it is still there."""

from dataclasses import dataclass, field

from django.db.models import Q
from django.urls import reverse

from gateway.models import Api, Certificate, Operation, PolicyDocument, Subscription
from gateway.models.base import with_id
from portal.places import SCOPES, Link, Where, line_url, line_words
from portal.traces.document import Part


@dataclass(frozen=True, slots=True)
class Line:
    """The line of a statement. `changed` says that the document was saved since the call."""

    label: str
    url: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Places:
    """What there is now of what a trace names. `changed` are the scopes whose documents were saved since."""

    api: Api | None = None
    operation: Operation | None = None
    subscription: Subscription | None = None
    changed: frozenset[str] = field(default_factory=frozenset)

    def line(self, data: Part) -> Line | None:
        """Where the statement of a step stands."""
        scope, line = data.text("scope"), data.number("line")
        if scope not in SCOPES or line is None:
            return None
        label = line_words(scope, int(line))
        if scope != "global" and self.api is None:
            return Line(label, "", changed=False)
        return Line(label, line_url(self.where, scope, int(line)), scope in self.changed)

    @property
    def where(self) -> Where:
        """The ids of what is still there."""
        api, operation = self.api, self.operation
        return Where(api.resource_id if api else "", operation.resource_id if operation else "")

    def link_api(self, name: str) -> Link:
        """The API, or its name at the time."""
        return (
            Link(str(self.api), reverse("api-summary", args=[self.api.resource_id]))
            if self.api
            else Link(name)
        )

    def link_operation(self, name: str) -> Link:
        """The operation, or its name at the time."""
        if self.api is None or self.operation is None:
            return Link(name)
        ids = [self.api.resource_id, self.operation.resource_id]
        return Link(str(self.operation), reverse("operation-edit", args=ids))

    def link_subscription(self, name: str) -> Link:
        """The subscription, or its id at the time."""
        row = self.subscription
        return Link(str(row), reverse("subscription", args=[row.resource_id])) if row else Link(name)


def places_of(document: Part) -> Places:
    """Look up what a trace names. Four queries at most."""
    api = _named(document.part("api"))
    found = with_id(Api.objects.all(), api).first() if api else None
    name = _named(document.part("operation"))
    operation = with_id(found.operations.all(), name).first() if found and name else None
    key = _named(document.part("subscription"))
    subscription = with_id(Subscription.objects.all(), key).first() if key else None
    revision = document.number("revision")
    changed = _changed(int(revision), found, operation) if revision is not None else frozenset()
    return Places(found, operation, subscription, changed)


def certificate_link(name: str) -> Link:
    """The page of a client certificate."""
    row = with_id(Certificate.objects.only("resource_id"), name).first() if name else None
    return Link(name, reverse("certificate", args=[row.key]) if row else "")


def _named(part: Part) -> str:
    return part.text("id")


def _changed(revision: int, api: Api | None, operation: Operation | None) -> frozenset[str]:
    scopes = Q(api=None, operation=None)
    scopes |= Q(api=api) if api else Q()
    scopes |= Q(operation=operation) if operation else Q()
    rows = PolicyDocument.objects.filter(scopes, revision__gt=revision)
    return frozenset(row.scope for row in rows.only("api_id", "operation_id"))
