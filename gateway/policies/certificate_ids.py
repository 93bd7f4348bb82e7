"""Making authentication-certificate statements name another certificate, by its id, without changing one other
character of their document. Pure text in, text out.
"""

from collections.abc import Iterable

from gateway.policies.elements import Element
from gateway.policies.splice import attribute_spans

_NAMES = ("certificate-id", "thumbprint")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})


def with_certificate_id(xml: str, elements: Iterable[Element], certificate_id: str) -> str:
    """A text in which some of its authentication-certificate elements name the certificate by that id.

    The attribute that names it now becomes certificate-id="...", in its place and in its kind of quotes. What is
    around it stays: other attributes, white space and comments.
    """
    value = certificate_id.translate(_ESCAPES)
    for element in sorted(elements, key=lambda each: each.start, reverse=True):
        xml = _named(xml, element, value)
    return xml


def _named(xml: str, element: Element, value: str) -> str:
    for name in _NAMES:
        if spans := attribute_spans(xml, element, name):
            (name_start, name_end), (start, end) = spans
            return f"{xml[:name_start]}{_NAMES[0]}{xml[name_end:start]}{value}{xml[end:]}"
    return xml
