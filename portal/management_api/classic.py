"""The classic direct dialect: certificates as the API Management REST API of 2014 had them, api-version 2014-02-14.

Rows, changes, preconditions, filters and pages are those of the ARM dialect; only the entity is flat.
"""

import re
from collections.abc import Iterable
from datetime import UTC
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

from gateway.changes.certificate_versions import get_current
from gateway.errors import ChangeError
from gateway.models import Certificate
from portal.management_api import arm, versions
from portal.management_api.access import Caller
from portal.management_api.addresses import allowed
from portal.management_api.answers import json_answer
from portal.management_api.bodies import JSON_TYPES, json_body, properties_of
from portal.management_api.errors import of_change
from portal.management_api.filters import Field
from portal.management_api.paging import listing
from portal.management_api.resource import Call
from portal.management_api.resources.certificates import Certificates

_ADDRESS = re.compile(r"/certificates(?:/(?P<name>[^/]*))?", re.IGNORECASE)


class ClassicCertificates(Certificates):
    """A client certificate; PUT of an existing one needs If-Match.

    A new one is answered with 201, which is all that was documented for 2014-02-14. One that is there is answered
    with 200 and the entity, as the description of the next version has it: so the caller knows the thumbprint.
    """

    schema = {
        "id": {"type": "string", "readOnly": True},
        **{name: each for name, each in Certificates.schema.items() if name != "usedBy"},
        "expirationDate": {
            "type": "string",
            "readOnly": True,
            "description": "In UTC, which it does not say: 2016-08-21T21:10:42.",
        },
    }
    filters = {
        "id": Field("resource_id", prefix="/certificates/"),
        **{name: each for name, each in Certificates.filters.items() if name != "name"},
    }
    actions = ()
    queries = {}
    deleted = 204
    upserts = False

    def properties(self, call: Call, row: Certificate) -> dict[str, Any]:
        """Times are in UTC and do not say so in this version."""
        expires = get_current(row).not_after.astimezone(UTC)
        return {**super().properties(call, row), "expirationDate": f"{expires:%Y-%m-%dT%H:%M:%S}"}

    def entity(self, call: Call, row: Certificate, *, alone: bool = False) -> dict[str, Any]:
        return {"id": self.address((), row), **self.properties(call, row)}

    def given(self, request: HttpRequest, required: Iterable[str] = ()) -> dict[str, Any]:
        """The sample code of the original sends its JSON as text/plain."""
        body = json_body(request, (*JSON_TYPES, "text/plain"))
        return properties_of({"properties": body}, self.schema, required=required, refused=self.refused)


CERTIFICATES = ClassicCertificates()  # the only entity: /certificates and /certificates/{certificateId}


def speaks(path: str) -> bool:
    """Whether an address below /management is one of this dialect."""
    return _ADDRESS.fullmatch(path) is not None


def answer(request: HttpRequest, caller: Caller, path: str) -> HttpResponse:
    """Answer a request for an address that this dialect speaks. Raises ApiError."""
    match = _ADDRESS.fullmatch(path)
    name = match["name"] or "" if match else ""
    versions.check(request, versions.CLASSIC)
    arm.check_allowed(request, caller, allowed(CERTIFICATES, one=bool(name)))
    call = Call(request, caller, "")
    try:
        return arm.answer_for_one(call, CERTIFICATES, name) if name else _list(call)
    except ChangeError as error:
        raise of_change(error, CERTIFICATES.targets) from None


def _list(call: Call) -> HttpResponse:
    page = listing(call, CERTIFICATES)
    return json_answer(HTTPStatus.OK, {**page, "nextLink": page.get("nextLink")})
