"""Properties, which the rest of the product calls named values: the list, Add property, and the page of each.

A secret value is in the answer to Show and nowhere else: no form sends one back, no message names it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from gateway.changes import named_values as changes
from gateway.errors import InUse, Invalid, NotFound, Use
from gateway.models import NamedValue, PolicyReference
from gateway.models.base import with_id
from portal.forms.base import PortalForm
from portal.forms.properties import NewPropertyForm, PropertyForm, ValueForm
from portal.views.base import AdministratorRequired, actor_of, announce, path_to_row, safe_path
from portal.views.editing import Conflict, FormPage
from portal.views.lists import Choice, Column, Filter, ListPage, anchor_of, beside, number_of
from portal.views.missing import NotThere, RowView

AREA = "properties"
_MOST_USES = 3  # in a row of the list


# --- uses ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class PolicyLink:
    """A policy document that uses a property."""

    text: str
    url: str


def policy_links(uses: Iterable[Use]) -> tuple[PolicyLink, ...]:
    """Links to the policies where each use is made."""
    return tuple(PolicyLink(str(use), _policy_url(use)) for use in uses)


def _policy_url(use: Use) -> str:
    if use.scope == "operation":
        return reverse("policy-operation", args=[use.api_id, use.operation_id])
    return reverse("policy-api", args=[use.api_id]) if use.scope == "api" else reverse("policies")


# --- the list -----------------------------------------------------------------------------------------------------
def _unused() -> Q:
    return Q(pk__in=NamedValue.objects.unused().values("pk"))


_KIND = Filter(
    "kind", "Kind", (Choice("secret", "Secret", Q(secret=True)), Choice("plain", "Plain", Q(secret=False)))
)
_USE = Filter(
    "use", "Used by", (Choice("unused", "Nothing", _unused), Choice("used", "Anything", lambda: ~_unused()))
)


class Properties(ListPage):
    """The named values. Those of secret ones are not even read."""

    area = AREA
    title = "Properties"
    template_name = "portal/properties/list.html"
    search_label = "Search names, plain values, tags"
    columns = (
        Column("name", "Name", Lower("resource_id")),
        Column("value", "Value"),
        Column("tags", "Tags"),
        Column("uses", "Used by", number_of(PolicyReference, "named_value")),
        Column("actions", "", css="end"),
    )
    then_by = ("resource_id",)
    search_fields = ("resource_id", "value", "tag_text")

    def queryset(self) -> QuerySet[NamedValue]:
        """All of them, with the documents that use each."""
        return NamedValue.objects.with_uses().with_tag_text().defer("sealed_value")

    def get_filters(self) -> tuple[Filter, ...]:
        """By kind and use, and by the tags there are."""
        tags = tuple(Choice(tag.lower(), tag, _tagged(tag)) for tag in _all_tags())
        return (*((Filter("tag", "Tag", tags),) if tags else ()), _KIND, _USE)

    def rows(self, page: list[Any]) -> list[Any]:
        """Each property with its uses, and the ids of its row and of the one beside it."""
        return [_row(row, neighbour) for row, neighbour in zip(page, beside(page), strict=True)]


def _tagged(tag: str) -> Q:
    return Q(pk__in=NamedValue.objects.tagged(tag).values("pk"))


def _all_tags() -> Iterator[str]:
    """Every tag once, in alphabetical order."""
    found = {tag.lower(): tag for tags in NamedValue.objects.values_list("tags", flat=True) for tag in tags}
    return (found[key] for key in sorted(found))


def _row(row: NamedValue, neighbour: NamedValue | None) -> dict[str, Any]:
    uses = policy_links(row.uses)
    return {
        "property": row,
        "uses": uses[:_MOST_USES],
        "more_uses": len(uses) - _MOST_USES,
        "anchor": anchor_of(row),
        "then": anchor_of(neighbour),
    }


# --- what pages of one property share -----------------------------------------------------------------------------
class PropertyView(RowView):
    """Mix this in first for a page of one property, whose address has `property_id`."""

    area = AREA
    all_rows = ("properties", "All properties")

    @cached_property
    def named_value(self) -> NamedValue:
        """The property that the address names, without regard to case. Raises NotThere."""
        name = self.kwargs["property_id"]
        row = with_id(NamedValue.objects.with_uses(), name).first()
        if row is None:
            route, label = self.all_rows
            message = f"There is no property with the name “{name}”. Somebody may have deleted it."
            raise NotThere(message, reverse(route), label)
        return row

    def its_page(self) -> str:
        """The address of the property's page."""
        return reverse("property", args=[self.named_value.resource_id])

    def get_title(self) -> str:
        """The title of the pages of a property."""
        return f"Properties - {self.named_value}"

    def context(self) -> dict[str, Any]:
        """The context with the property, the policies that use it, and the way back."""
        inherited: dict[str, Any] = super().context()  # type: ignore[misc]
        return inherited | {
            "property": self.named_value,
            "reference": f"{{{{{self.named_value}}}}}",
            "uses": policy_links(self.named_value.uses),
            "breadcrumb": (("Properties", reverse("properties")),),
            "back": safe_path(self.request, reverse("properties")),
        }


# --- add and edit -------------------------------------------------------------------------------------------------
class _ValueFormPage(FormPage):
    """What the two forms share: care for a secret that was typed."""

    form_class: type[ValueForm]

    def fields_to_keep(self) -> frozenset[str]:
        """Without what was typed into the plain field of a secret property."""
        names = super().fields_to_keep()
        return names - {"value"} if self.request.POST.get("secret") else names

    def values(self, form: ValueForm) -> dict[str, Any]:
        """The values for the change; what it says of the value stands beside the field that was filled in."""
        values = form.values()
        self.error_names = {"value": "secret_value"} if values["secret"] else {}
        return values


class PropertyAdd(AdministratorRequired, _ValueFormPage):
    """Add property."""

    area = AREA
    title = "Add property"
    template_name = "portal/properties/add.html"
    form_class = NewPropertyForm

    def context(self) -> dict[str, Any]:
        """The context with the way back."""
        list_url = reverse("properties")
        return super().context() | {
            "breadcrumb": (("Properties", list_url),),
            "back": safe_path(self.request, list_url),
        }

    def save(self, form: NewPropertyForm) -> HttpResponse:
        """Add it and show its page, which says what to write in a policy."""
        row = changes.create_named_value(actor_of(self.request), **self.values(form))
        announce(self.request, f"New property “{row}” was successfully saved.", row.revision)
        return redirect("property", row.resource_id)


class PropertyEdit(PropertyView, _ValueFormPage):
    """A property: where it is used, and its value, which changes there at once."""

    template_name = "portal/properties/property.html"
    form_class = PropertyForm

    def initial(self) -> dict[str, Any]:
        """The property as it is; a secret one has no value here."""
        row = self.named_value
        return {
            "secret": row.secret,
            "value": row.value,
            "tags": ", ".join(row.tags),
            "revision": row.revision,
        }

    def conflict(self, form: PortalForm, revision: int) -> Conflict:
        """Compare with what is there now, not with what was there when this request began."""
        self.__dict__.pop("named_value", None)
        return super().conflict(form, revision)

    def save(self, form: PropertyForm) -> HttpResponse:
        """Save it and go back to where the person came from."""
        actor, row = actor_of(self.request), self.named_value
        values = self.values(form)
        revision = changes.update_named_value(actor, row.key, revision=form.expected_revision(), **values)
        announce(self.request, f"The property “{row}” was saved{_what_became(row, values)}", revision)
        return redirect(safe_path(self.request, self.its_page()))


def _what_became(row: NamedValue, values: dict[str, Any]) -> str:
    """The end of the sentence: whether calls see another value now."""
    if values["value"] is None or (not row.secret and values["value"] == row.value):
        return "; its value is what it was."
    return "." if not row.uses else "; calls see its new value."


class PropertyValue(PropertyEdit):
    """The same page with the secret value, in answer to a POST alone. That somebody has seen it is recorded."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page without it: an address that shows a secret could be followed by mistake."""
        return redirect(self.its_page())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show it."""
        try:
            value = changes.reveal_named_value(actor_of(request), self.named_value.key)
        except Invalid as error:
            messages.error(request, f"{error.message} Enter it again to have one that works.")
            return redirect(self.its_page())
        return self.page(form=self.build_form(), value=value, shown=True)


# --- delete -------------------------------------------------------------------------------------------------------
class PropertyDelete(AdministratorRequired, PropertyView, FormPage):
    """Asks, and deletes; or names the policies that use the property."""

    template_name = "portal/properties/delete.html"
    title = "Delete property"
    form_class = PortalForm

    def get_title(self) -> str:
        """The question's title."""
        return self.title

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask; what is in use is said to be at once."""
        return self._in_use() if self.named_value.uses else super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """One that somebody else has deleted meanwhile is what was wanted: say so, and go on."""
        try:
            return super().post(request, *args, **kwargs)
        except (NotThere, NotFound):
            messages.info(request, "This property had been deleted already.")
            return redirect(path_to_row(request, reverse("properties")))

    def context(self) -> dict[str, Any]:
        """The context with the row to return to."""
        return super().context() | {"then": self.request.GET.get("then", "")}

    def save(self, form: PortalForm) -> HttpResponse:
        """Delete it and return to the list."""
        row = self.named_value
        try:
            revision = changes.delete_named_value(actor_of(self.request), row.key)
        except InUse as error:
            return self._in_use(uses=policy_links(error.uses), status=409)
        announce(self.request, f"The property “{row}” was deleted.", revision)
        return redirect(path_to_row(self.request, reverse("properties")))

    def _in_use(self, *, status: int = 200, **context: Any) -> HttpResponse:
        self.template_name = "portal/properties/in_use.html"
        again = self.request.get_full_path()
        return self.page(title="The property is in use", again=again, status=status, **context)
