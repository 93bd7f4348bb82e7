"""Lets the one page that shows an image of an answer show it: data: images, on that page alone."""

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponseBase

from portal.console.bodies import Body


def let_image_in(response: HttpResponseBase, body: Body | None) -> None:
    """Allow data: images if the page shows one. Scripts, frames and styles stay as they are."""
    if body is not None and body.image:
        csp_update({"img-src": ["data:"]})(lambda _: response)(HttpRequest())
