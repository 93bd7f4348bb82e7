"""What is shown of an answer: text that hides nothing, an image by its first bytes, or a download. Nothing else.

A back end chooses every byte of it, so its Content-Type decides at most how text is laid out.
"""

import re
from base64 import b64encode
from dataclasses import dataclass, field, replace

from django.utils.safestring import SafeString

from portal.console import json_text, xml_text
from portal.console.exchange import Answer
from portal.console.images import Image, image_of
from portal.console.reading import KEPT
from portal.console.unpacking import NotUnpacked, Text, Unpacked, text_of, unpacked
from portal.console.visible import visible

MOST_CHARACTERS = 200_000  # in the page; of a megabyte a browser takes seconds to lay out the lines
MOST_FIELDS = 200
MOST_OF_A_FIELD = 8000
_TEXT = re.compile(
    r"text/.*|.*[/+.-](json|xml|yaml|javascript|ecmascript|csv|ndjson|x-www-form-urlencoded)(-seq)?"
)
_JSON = re.compile(r"(text|application)/(.*\+)?json")
_XML = re.compile(r"(text|application|image)/(.*\+)?xml")
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# HTML, scripts and the like are not among them: such a file would run when it is opened.
_ENDINGS = {
    "text/csv": "csv",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
    "application/x-ndjson": "ndjson",
    "text/calendar": "ics",
}
_STARTS = {b"%PDF-": "pdf", b"\x1f\x8b": "gz"}
_OFFICE = {
    "spreadsheetml.sheet": "xlsx",
    "wordprocessingml.document": "docx",
    "presentationml.presentation": "pptx",
}
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Body:
    """A body for the page.

    `kind` is "none", "text", "image" or "binary". `notes` say what it is and what was done to it. `image` and
    `download` are data: URIs, or empty; a download is the whole body. `fields` are (name, value) as HTML.
    `redirect` is whether it leads elsewhere.
    """

    kind: str = "none"
    notes: tuple[str, ...] = ()
    text: SafeString = field(default=SafeString(), repr=False)
    image: str = field(default="", repr=False)
    alt: str = ""
    download: str = field(default="", repr=False)
    file_name: str = "answer.bin"
    reason: SafeString = field(default=SafeString(), repr=False)
    fields: tuple[tuple[SafeString, SafeString], ...] = field(default=(), repr=False)
    more_fields: int = 0
    redirect: bool = False
    milliseconds_to_head: int = 0
    milliseconds: int = 0


def shown(answer: Answer, name: str = "answer") -> Body:
    """What the page shows of an answer; `name` is what a file of it is called."""
    body = _content(answer) if answer.body else Body(notes=_cut(answer))
    return replace(
        body,
        file_name=f"{name}.{body.file_name.rpartition('.')[2]}",
        redirect=answer.status in _REDIRECTS and bool(answer.values("location")),
        reason=_word(answer.reason),
        fields=tuple((_word(name), _word(value)) for name, value in answer.fields[:MOST_FIELDS]),
        more_fields=max(0, len(answer.fields) - MOST_FIELDS),
        milliseconds_to_head=max(1, round(answer.seconds_to_head * 1000)),
        milliseconds=max(1, round(answer.seconds * 1000)),
    )


def _word(text: str) -> SafeString:
    if len(text) > MOST_OF_A_FIELD:
        text = f"{text[:MOST_OF_A_FIELD]}… (cut: {len(text):,} characters in all)"
    return visible(text, most=20)


def size_words(size: int) -> str:
    """A number of bytes as people read it: "1 byte", "4.2 kB", "200 MB"."""
    if size < 1000:
        return f"{size} byte{'s'[: size != 1]}"
    if size == KEPT:
        return "1 MiB"
    number, unit = (size / 1000, "kB") if size < 999_500 else (size / 1_000_000, "MB")
    return f"{number:.1f} {unit}" if number < 9.95 else f"{number:,.0f} {unit}"


def _content(answer: Answer) -> Body:
    whole = not answer.cut
    try:
        came = unpacked(answer.body, answer.values("content-encoding"), whole=whole)
    except NotUnpacked as error:
        note = f"Not unpacked: {error}. It is offered as it came." if whole else f"Not unpacked: {error}."
        return _with_download(
            Body("binary", (_named("Binary", answer, answer.body), note, *_cut(answer))), answer.body, whole
        )
    image = image_of(came.data)
    body = _image(image, came) if image else _text_or_binary(answer, came)
    notes = (*body.notes[:1], *_packing(answer, came), *body.notes[1:], *_cut(answer))
    return _with_download(replace(body, notes=notes), came.data, came.whole)


def _with_download(body: Body, data: bytes, whole: bool) -> Body:
    if not whole:
        return body
    return replace(body, download=f"data:application/octet-stream;base64,{b64encode(data).decode()}")


def _image(image: Image, came: Unpacked) -> Body:
    pixels = f"{image.width:,} by {image.height:,} pixels"
    what = f"{image.name} image, {pixels}, {size_words(len(came.data))}"
    name = f"answer.{image.name.lower()}"
    if not came.whole:
        return Body(
            "binary", (f"The first part of a {image.name} image, which is not shown.",), file_name=name
        )
    if not image.fits:
        unknown = f"{image.name} image of unknown size, which is not shown"
        note = f"{what}: too large to be shown here." if image.width else f"{unknown}."
        return Body("binary", (note,), file_name=name)
    uri = f"data:{image.media_type};base64,{b64encode(came.data).decode()}"
    alt = f"The image that came: {image.name}, {pixels}"
    return Body("image", (what,), image=uri, alt=alt, file_name=name)


def _text_or_binary(answer: Answer, came: Unpacked) -> Body:
    said = (answer.values("content-type") or [""])[-1]
    media_type = said.partition(";")[0].strip().lower()
    charset = _CHARSET.search(said)
    text = text_of(came.data, charset[1] if charset else "", whole=came.whole)
    if not _is_text(text, came.data, media_type):
        note = (
            (f"It says that it is {media_type[:60]}, but it is not.",) if _TEXT.fullmatch(media_type) else ()
        )
        name = f"answer.{_binary_ending(came.data, media_type)}"
        return Body("binary", (_named("Binary", answer, came.data), *note), file_name=name)
    return _text(text, media_type, came)


def _is_text(text: Text, data: bytes, media_type: str) -> bool:
    strange = text.replaced + len(_CONTROLS.findall(text.text))
    if _TEXT.fullmatch(media_type):
        return strange <= max(10, len(text.text) / 10)
    return not text.replaced and strange <= len(text.text) / 100 and not data.startswith(b"%PDF")


def _text(text: Text, media_type: str, came: Unpacked) -> Body:
    laid_out, what, notes, name = _laid_out(text.text, media_type, whole=came.whole)
    if came.whole:
        what = f"{what}, {size_words(len(came.data))}"
    if len(laid_out) > MOST_CHARACTERS:
        of_all = ", the download has all" if came.whole else ""
        notes += (f"The first {MOST_CHARACTERS:,} characters are in the page{of_all}.",)
    notes = ((text.note,) if text.note else ()) + notes
    return Body("text", (what, *notes), text=visible(laid_out[:MOST_CHARACTERS]), file_name=name)


def _laid_out(text: str, media_type: str, *, whole: bool) -> tuple[str, str, tuple[str, ...], str]:
    """The text as it is shown, what that is, notes on it, and a file name."""
    if _JSON.fullmatch(media_type) or (not media_type and text.lstrip()[:1] in ("{", "[")):
        return _json(text, whole=whole)
    if _XML.fullmatch(media_type):
        return _xml(text, whole=whole)
    return text, "Text", (), f"answer.{_ENDINGS.get(media_type, 'txt')}"


def _binary_ending(data: bytes, media_type: str) -> str:
    """The end of a file's name. The bytes have to agree: a back end is not to name programs."""
    if data.startswith(b"PK\x03\x04"):
        return next((end for said, end in _OFFICE.items() if said in media_type), "zip")
    return next((end for start, end in _STARTS.items() if data.startswith(start)), "bin")


def _json(text: str, *, whole: bool) -> tuple[str, str, tuple[str, ...], str]:
    try:
        laid_out = json_text.indented(text, cut=not whole, most=MOST_CHARACTERS)
    except json_text.TooMuch:
        return text, "JSON", ("It has too many values to be pretty-printed.",), "answer.json"
    except json_text.NotJson as error:
        return text, "Text", (f"This is not valid JSON: {error}. It is shown as it came.",), "answer.txt"
    return laid_out, "Pretty-printed JSON", (), "answer.json"


def _xml(text: str, *, whole: bool) -> tuple[str, str, tuple[str, ...], str]:
    if not whole:
        return text, "XML", ("Only a whole document is indented: it is shown as it came.",), "answer.xml"
    try:
        return xml_text.indented(text), "Indented XML", (), "answer.xml"
    except xml_text.AsItCame as error:
        return text, "XML", (f"It is shown as it came: {error}.",), "answer.xml"
    except xml_text.NotXml as error:
        return text, "Text", (f"This is not valid XML: {error}. It is shown as it came.",), "answer.txt"


def _named(what: str, answer: Answer, data: bytes) -> str:
    said = ", ".join(answer.values("content-type"))[:100] or "without a Content-Type"
    return f"{what} ({said}), {size_words(len(data))}"


def _packing(answer: Answer, came: Unpacked) -> tuple[str, ...]:
    if not came.coding:
        return ()
    unpacked_for = f"{came.coding}, unpacked for display: {size_words(len(answer.body))} came"
    if came.whole or answer.cut:
        return (f"{unpacked_for}.",)
    if len(came.data) == KEPT:
        return (f"{unpacked_for}, the first 1 MiB of what is in it is shown.",)
    return (f"{unpacked_for}, and it breaks off.",)


def _cut(answer: Answer) -> tuple[str, ...]:
    read = size_words(answer.read)
    of_all = "" if answer.size is None else f" of {size_words(answer.size)}"
    if answer.cut == "size":
        went_on = "" if answer.size is not None else f": after {read} it had not ended"
        kept = size_words(len(answer.body))
        return (f"Cut: the first {kept}{of_all} is kept{went_on}. The curl line gets all of it.",)
    if answer.cut == "time":
        after = f"after {answer.seconds:.0f} s, when {read}{of_all} had come"
        return (f"Cut by time: the console stopped reading {after}.",)
    if answer.cut == "broken":
        return (f"Broken off: the connection ended after {read}{of_all}, before the body did.",)
    return ()
