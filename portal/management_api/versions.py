"""The api-versions that are spoken."""

from http import HTTPStatus

from django.http import HttpRequest

from portal.management_api.errors import ApiError
from portal.management_api.queries import query

# Where nothing differs that is answered here
ARM = (
    "2019-12-01",
    "2019-12-01-preview",
    "2020-06-01-preview",
    "2020-12-01",
    "2021-01-01-preview",
    "2021-04-01-preview",
    "2021-08-01",
    "2021-12-01-preview",
    "2022-04-01-preview",
    "2022-08-01",
    "2022-09-01-preview",
    "2023-03-01-preview",
    "2023-05-01-preview",
    "2023-09-01-preview",
    "2024-05-01",
)
CLASSIC = ("2014-02-14", "2014-02-14-preview")


def check(request: HttpRequest, versions: tuple[str, ...]) -> None:
    """Raises ApiError (400) unless the request names one of these versions."""
    version = query(request, "api-version")
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise ApiError(HTTPStatus.BAD_REQUEST, "MissingApiVersionParameter", message)
    if version.lower() not in versions:
        known = ", ".join(versions)
        message = f"The api-version '{version}' is invalid. The supported versions are '{known}'."
        raise ApiError(HTTPStatus.BAD_REQUEST, "InvalidApiVersionParameter", message)
