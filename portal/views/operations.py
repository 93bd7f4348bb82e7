"""The Operations tab: the list, New operation, Edit, Delete."""

from functools import cached_property
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from gateway.changes import operations as changes
from gateway.errors import AlreadyExists, NotFound
from gateway.models import Api, Operation
from gateway.policies import parser, splice
from gateway.policies.parser import PolicyErrors
from portal.credentials import document_in
from portal.forms.base import PortalForm
from portal.forms.operations import NewOperationForm, OperationForm
from portal.gateway_urls import gateway_bases, public_urls
from portal.views.apis import ApiView, disabled_for_readers
from portal.views.base import AdministratorRequired, actor_of, announce, path_to_row, safe_path
from portal.views.editing import Conflict, FormPage
from portal.views.lists import Choice, Column, Filter, ListPage, anchor_of, beside
from portal.views.missing import NotThere

_VERBS = tuple(Choice(method, method, Q(method=method)) for method in changes.METHODS)


class Operations(ApiView, ListPage):
    """The operations of an API."""

    tab = "Operations"
    template_name = "portal/operations/list.html"
    search_label = "Search name, URL template or id"
    columns = (
        Column("verb", "HTTP verb", "method", css="verb"),
        Column("name", "Name", Lower("display_name")),
        Column("template", "URL template", "url_template"),
        Column("rewrite", "Rewrite URL template"),
        Column("actions", "", css="end"),
    )
    default_sort = "template"
    then_by = ("url_template", "method")
    search_fields = ("display_name", "resource_id", "url_template", "description", "method")
    filters = (Filter("verb", "HTTP verb", _VERBS),)

    def queryset(self) -> QuerySet[Operation]:
        """The API's operations with the documents that hold their rewrite templates."""
        return self.api.operations.select_related("policy_document")

    def rows(self, page: list[Any]) -> list[Any]:
        """Each operation with its rewrite template."""
        return [
            {
                "operation": operation,
                "anchor": anchor_of(operation),
                "then": anchor_of(neighbour),
                "rewrite": rewrite_of(operation),
            }
            for operation, neighbour in zip(page, beside(page), strict=True)
        ]


def rewrite_of(operation: Operation) -> str:
    """The Rewrite URL template, from an operation that was read with its document: nothing is asked."""
    document = document_in(operation)
    try:
        return splice.rewrite_of(parser.parse(document.xml, "operation")) or "" if document else ""
    except PolicyErrors:
        return "(the policy document cannot be read)"


def load_operation(api: Api, resource_id: str) -> Operation:
    """The operation of an API with an id, without regard to case. Raises NotThere."""
    operation = api.operations.filter(resource_id__iexact=resource_id).first()
    if operation is None:
        message = f"“{api}” has no operation with the id “{resource_id}”. Somebody may have deleted it."
        raise NotThere(message, reverse("operations", args=[api.resource_id]), f"Operations of {api}")
    return operation


class _OperationForm(ApiView, FormPage):
    """What the two forms share."""

    tab = "Operations"
    heading = ""

    def context(self) -> dict[str, Any]:
        """The context with the beginning of every operation's URL and the way back."""
        urls = public_urls(self.api, gateway_bases(self.request))
        return super().context() | {
            "heading": self.heading,
            "base_url": urls[0] if urls else "",
            "operations_url": operations_url(self.request, self.api),
        }


def operations_url(request: HttpRequest, api: Api) -> str:
    """The list of an API's operations as the person had left it."""
    return safe_path(request, reverse("operations", args=[api.resource_id]))


class OperationAdd(AdministratorRequired, _OperationForm):
    """New operation."""

    template_name = "portal/operations/add.html"
    form_class = NewOperationForm
    heading = "New operation"

    def save(self, form: NewOperationForm) -> HttpResponse:
        """Add it and show the list."""
        operation = changes.create_operation(actor_of(self.request), self.api.key, **form.values())
        announce(self.request, f"New operation “{operation}” was successfully saved.", operation.revision)
        return redirect(operations_url(self.request, self.api))


class OperationsAddAll(ApiView):
    """Adds `/*` for every verb, for an API that was described without operations."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the list: somebody who had to sign in again comes back with GET."""
        return redirect("operations", self.api.resource_id)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add them and show the list."""
        try:
            revision = changes.create_all_operations(actor_of(request), self.api.key)
        except AlreadyExists as error:
            messages.info(request, error.message)
        else:
            announce(request, f"All operations were added to “{self.api}”.", revision)
        return redirect("operations", self.api.resource_id)


class _OneOperation(ApiView):
    """A page of one operation, whose address has `operation_id` too."""

    @cached_property
    def operation(self) -> Operation:
        """The operation that the address names."""
        return load_operation(self.api, self.kwargs["operation_id"])

    def context(self) -> dict[str, Any]:
        """The context with the operation."""
        return super().context() | {"operation": self.operation}


class OperationEdit(_OneOperation, _OperationForm):
    """An operation's fields."""

    template_name = "portal/operations/edit.html"
    form_class = OperationForm

    @property
    def heading(self) -> str:  # type: ignore[override]
        """The operation's name."""
        return str(self.operation)

    def initial(self) -> dict[str, Any]:
        """The operation as it is, with the rewrite template that its policy document holds."""
        operation, rewrite = self.operation, changes.rewrite_template_of(self.operation)
        names = ("method", "url_template", "display_name", "description")
        return {name: getattr(operation, name) for name in names} | {
            "rewrite_template": rewrite if isinstance(rewrite, str) else "",
            "revision": changes.revision_of(operation),
        }

    def form_options(self) -> dict[str, Any]:
        """What the policy says and the field cannot show."""
        rewrite = changes.rewrite_template_of(self.operation)
        return {"other": rewrite.explanation if isinstance(rewrite, changes.OtherRewrite) else ""}

    def build_form(self, data: QueryDict | None = None) -> PortalForm:
        """The form, which Readers cannot fill in."""
        return disabled_for_readers(super().build_form(data), self.request)

    def conflict(self, form: PortalForm, revision: int) -> Conflict:
        """Compare with what is there now, not with what was there when this request began."""
        self.__dict__.pop("operation", None)
        return super().conflict(form, revision)

    def save(self, form: OperationForm) -> HttpResponse:
        """Save it and show the list."""
        actor, revision = actor_of(self.request), form.expected_revision()
        operation = changes.update_operation(actor, self.operation.key, revision=revision, **form.values())
        announce(self.request, f"The operation “{operation}” was saved.", operation.revision)
        return redirect(operations_url(self.request, self.api))


class OperationDelete(AdministratorRequired, _OneOperation, FormPage):
    """Asks before an operation is deleted, and deletes it."""

    tab = "Operations"
    template_name = "portal/operations/delete.html"
    form_class = PortalForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """An operation that somebody else has deleted meanwhile is what was wanted: say so, and go on."""
        try:
            return super().post(request, *args, **kwargs)
        except (NotThere, NotFound):
            messages.info(request, "This operation had been deleted already.")
            return redirect(self._list())

    def _list(self) -> str:
        return path_to_row(self.request, reverse("operations", args=[self.api.resource_id]))

    def get_title(self) -> str:
        """The question's title."""
        return "Delete operation"

    def context(self) -> dict[str, Any]:
        """The context with the list as the person had left it."""
        back, then = operations_url(self.request, self.api), self.request.GET.get("then", "")
        return super().context() | {"back": back, "then": then}

    def save(self, form: PortalForm) -> HttpResponse:
        """Delete it and return to the list."""
        operation = self.operation
        revision = changes.delete_operation(actor_of(self.request), operation.key)
        announce(self.request, f"The operation “{operation}” was deleted.", revision)
        return redirect(self._list())
