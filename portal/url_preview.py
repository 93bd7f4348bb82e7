"""What an API's URL is going to look like, and which other APIs have a part of that address."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpRequest

from gateway.models import Api
from portal.gateway_urls import gateway_bases, urls_at

_MOST_NAMED = 3
_WITHOUT = (
    "Without a suffix the API takes every call that no other API's suffix is for. Only one API can do that."
)


@dataclass(frozen=True, slots=True)
class UrlPreview:
    """The public URLs, and sentences about APIs with a shorter, a longer or the same suffix."""

    urls: tuple[str, ...]
    notes: tuple[str, ...]


def url_preview(request: HttpRequest, suffix: str, schemes: list[str], own_id: str = "") -> UrlPreview:
    """Preview a suffix with the ticked schemes; the API with `own_id` is the one that is edited."""
    bases = gateway_bases(request)
    suffix = suffix.replace("\0", "").strip()
    ticked = {scheme: scheme in schemes for scheme in bases} if schemes else dict.fromkeys(bases, True)
    others = Api.objects.exclude(resource_id__iexact=own_id) if own_id else Api.objects.all()
    same = others.filter(suffix__iexact=suffix).first()
    if same is not None:
        return UrlPreview(urls_at(suffix, ticked, bases), (_same(suffix, same),))
    if not suffix:
        return UrlPreview(urls_at(suffix, ticked, bases), (_WITHOUT,))
    shorter, longer = _shorter(others, suffix), _longer(others, suffix)
    notes = (
        _shorter_note(suffix, shorter) if shorter else "",
        _longer_note(suffix, longer) if longer else "",
    )
    return UrlPreview(urls_at(suffix, ticked, bases), tuple(note for note in notes if note))


def _same(suffix: str, api: Api) -> str:
    taken = f"The suffix “{suffix}” is" if suffix else "An address without a suffix is"
    return f"{taken} already taken by “{api}”. Choose another one."


def _shorter(others: QuerySet[Api], suffix: str) -> Api | None:
    """The API whose suffix is the longest beginning of this one, by whole segments and with regard to case."""
    parts = suffix.split("/")
    beginnings = ["/".join(parts[:count]) for count in range(len(parts))]
    return max(others.filter(suffix__in=beginnings), key=lambda api: len(api.suffix), default=None)


def _longer(others: QuerySet[Api], suffix: str) -> list[Api]:
    """The APIs whose suffix goes on where this one ends."""
    # startswith has no regard to case on SQLite; the gateway has.
    found = others.filter(suffix__startswith=f"{suffix}/").order_by("suffix")
    return [api for api in found[:100] if api.suffix.startswith(f"{suffix}/")]


def _shorter_note(suffix: str, other: Api) -> str:
    where = f"below /{other.suffix}" if other.suffix else "that no other suffix is for"
    return (
        f"“{other}” takes the calls {where}. Those to /{suffix} and below it come to this API all the same, "
        "because the longest suffix wins, by whole segments."
    )


def _longer_note(suffix: str, others: list[Api]) -> str:
    named = [f"“{api}” (/{api.suffix})" for api in others[:_MOST_NAMED]]
    if len(others) > _MOST_NAMED:
        named.append("others")
    names = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    goes = "goes to it" if len(named) == 1 else "goes to them"
    longer = "a longer suffix" if len(named) == 1 else "longer suffixes"
    return (
        f"{names} {'has' if len(named) == 1 else 'have'} {longer}: what is called there {goes} and not to this "
        "API, because the longest suffix wins, by whole segments."
    )
