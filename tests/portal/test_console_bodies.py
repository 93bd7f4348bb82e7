"""What is shown of an answer: text whose tokens stay, images by their bytes, and nothing that runs or hides."""

import gzip
import html
import json
import re
import struct
import tracemalloc
import zlib
from base64 import b64decode
from functools import partial
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import pytest
from django.template.loader import render_to_string
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.console import images, json_text, xml_text
from portal.console.bodies import shown, size_words
from portal.console.exchange import Answer
from portal.console.visible import visible

MIB = 1024 * 1024


def answer(body: bytes = b"", media_type: str = "", *fields: tuple[str, str], **more: object) -> Answer:
    """A whole answer, unless `more` says otherwise."""
    if media_type:
        fields = (("Content-Type", media_type), *fields)
    values = {"body": body, "size": len(body), "read": len(body), **more}
    return Answer(200, "OK", fields, **values)  # type: ignore[arg-type]


def text(body: bytes, media_type: str = "", *fields: tuple[str, str], **more: object) -> str:
    found = shown(answer(body, media_type, *fields, **more))
    assert found.kind == "text", found
    return html.unescape(re.sub("<.*?>", "", found.text))


def notes(body: bytes, media_type: str = "", *fields: tuple[str, str], **more: object) -> str:
    return " | ".join(shown(answer(body, media_type, *fields, **more)).notes)


# --- JSON ---
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def tokens(source: str) -> object:
    """What a real parser makes of it, with numbers as they stand and every name, in order."""
    return json.loads(source, object_pairs_hook=tuple, parse_int=str, parse_float=str)


@settings(deadline=None)  # a busy machine is no failure
@given(_json, st.sampled_from([None, 0, 3, "\t"]), st.booleans())
def test_indented_json_has_the_tokens_that_came(value: object, indent: int | None, ascii_only: bool) -> None:
    source = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    laid_out = json_text.indented(source)
    assert tokens(laid_out) == tokens(source)
    assert json_text.indented(laid_out) == laid_out
    assert json_text.indented(source, cut=True) == laid_out


@settings(deadline=None)  # a busy machine is no failure
@given(st.text('{}[]:,"\\ 01.eE-+truefalsn\n\x01u', max_size=14))
def test_what_is_json_is_what_a_real_parser_takes(source: str) -> None:
    try:
        tokens(source)
        valid = not re.search("NaN|Infinity", source)
    except ValueError:
        valid = False
    try:
        json_text.indented(source)
        taken = True
    except json_text.NotJson:
        taken = False
    assert taken == valid


_ALMOST = (
    "01",
    "-",
    "1.",
    ".5",
    "1e",
    "+1",
    '"\\x"',
    '"\\u12"',
    '"\t"',
    "[1,]",
    "[,]",
    '{"a":1,}',
    "nul",
    "NaN",
    "1 2",
    "\xa01",
)


@pytest.mark.parametrize("source", _ALMOST)
def test_what_is_almost_json_is_none(source: str) -> None:
    with pytest.raises(json_text.NotJson):
        json_text.indented(source)


@settings(deadline=None)  # a busy machine is no failure
@given(_json, st.data())
def test_cut_json_keeps_what_there_is(value: object, data: st.DataObject) -> None:
    source = json.dumps(value)
    part = source[: data.draw(st.integers(0, len(source)))]
    assert squeezed(json_text.indented(part, cut=True)) == squeezed(part)


def squeezed(source: str) -> str:
    return re.sub(r"[ \n]", "", source)


def test_json_is_laid_out_like_this() -> None:
    source = b'{"b":1.10,"b":[],"a":[1e400,{"x":12345678901234567890123},{}],"\\u0041":"\\/"}'
    assert text(source, "application/problem+json; charset=utf-8") == (
        '{\n  "b": 1.10,\n  "b": [],\n  "a": [\n    1e400,\n    {\n      "x": 12345678901234567890123\n    },\n'
        '    {}\n  ],\n  "\\u0041": "\\/"\n}'
    )
    assert notes(source, "text/json").startswith("Pretty-printed JSON, 76 bytes")
    assert text(b'{"a":1}') == '{\n  "a": 1\n}'
    assert text(b'{"a":1}', "text/plain") == '{"a":1}'


@pytest.mark.parametrize(
    ("source", "where"),
    [
        (b'{"a":\n tru}', "at line 2, column 2 a value is expected"),
        (b"{'a': 1}", "at line 1, column 2 a name in double quotes or } is expected"),
        (b'{"a" 1}', "at line 1, column 6 a colon is expected"),
        (b"[1 2]", "at line 1, column 4 a comma or the end of what is open is expected"),
        (b"[1]]", "at line 1, column 4 nothing more is expected"),
        (b"[1", "at its end a comma"),
        (b"", "at its end a value"),
    ],
)
def test_invalid_json_is_shown_as_it_came_with_where_it_breaks(source: bytes, where: str) -> None:
    if source:
        assert text(source, "application/json") == source.decode()
        assert where in notes(source, "application/json")
    else:
        with pytest.raises(json_text.NotJson, match=where):
            json_text.indented("")


@pytest.mark.parametrize(
    "source",
    [b"[" * MIB, b"[" * 90_000 + b"]" * 90_000, b"[" + b"0," * 524_000 + b"0]"],
    ids=["deep", "closed", "long"],
)
def test_json_of_any_depth_and_length_is_shown(source: bytes) -> None:
    body = shown(answer(source, "application/json"))
    assert body.text.startswith("[\n  [" if source.endswith(b"]]") else "[")
    assert ("It has too many values to be pretty-printed." in body.notes) == (len(source) > 1_000_000)


# --- XML ---
_names = st.sampled_from(["a", "p:b", "c-d"])
_words = st.text("ab \n\t<&>'\"é", max_size=6)
_xml_text = _words.map(escape)
_leaf = st.one_of(
    st.builds(lambda n, v: f"<{n} k={quoteattr(v)} />", _names, _words),
    _xml_text,
    st.just("\n  "),
    _words.map(lambda w: f"<![CDATA[{w}]]>"),
    st.sampled_from(["<!-- c \n <x> -->", "<?pi a > b?>", "&amp;", "&#32;", "<e/>", "<e></e>"]),
)
_element = st.recursive(
    _leaf,
    lambda inner: st.builds(
        lambda n, keep, parts: f"<{n}{keep}>{''.join(parts)}</{n}>",
        _names,
        st.sampled_from(["", "", ' xml:space="preserve"', " q='>'"]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=8,
)
_NO_ELEMENT = (ElementTree.Comment, ElementTree.ProcessingInstruction)


def infoset(source: str) -> str:
    """A real parser's view, without white space where an element has elements and no text. Comments stay."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True, insert_pis=True))
    root = ElementTree.fromstring(source, parser)
    _drop_layout(root, preserve=False)
    return ElementTree.tostring(root, encoding="unicode")


def _drop_layout(element: ElementTree.Element, *, preserve: bool) -> None:
    preserve = preserve or element.get("{http://www.w3.org/XML/1998/namespace}space") == "preserve"
    texts = [element.text or "", *(child.tail or "" for child in element)]
    elements = [child for child in element if child.tag not in _NO_ELEMENT]
    if elements and not preserve and not "".join(texts).strip(" \n\t"):
        element.text = None
        for child in element:
            child.tail = None
        for child in elements:
            _drop_layout(child, preserve=preserve)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(_element, max_size=4))
def test_indented_xml_has_the_infoset_that_came(parts: list[str]) -> None:
    source = f"<?xml version='1.0'?><!-- < -->\n<root xmlns:p='u'>{''.join(parts)}</root><?end x?>"
    laid_out = xml_text.indented(source)
    assert infoset(laid_out) == infoset(source)
    assert xml_text.indented(laid_out) == laid_out
    assert sorted(re.findall(r"\S", laid_out)) == sorted(re.findall(r"\S", source))


def test_xml_is_laid_out_like_this() -> None:
    source = (
        b'<?xml version="1.0"?><!DOCTYPE r SYSTEM "http://dtd.example/r.dtd"><r xmlns:x="u"><x:a k="1>2"/><b>t '
        b"<i> u</i></b><c> </c><d><![CDATA[<z>]]></d><s xml:space='preserve'><i/> </s><e><!-- n --><f/></e></r>"
    )
    assert text(source, "application/soap+xml") == (
        '<?xml version="1.0"?>\n<!DOCTYPE r SYSTEM "http://dtd.example/r.dtd">\n<r xmlns:x="u">\n  <x:a k="1>2"/>\n'
        "  <b>t <i> u</i></b>\n  <c> </c>\n  <d><![CDATA[<z>]]></d>\n  <s xml:space='preserve'><i/> </s>\n"
        "  <e>\n    <!-- n -->\n    <f/>\n  </e>\n</r>"
    )
    assert notes(source, "text/xml").startswith("Indented XML, 202 bytes")


_LAUGHS = "".join(f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefghi", "bcdefghij", strict=True))


@pytest.mark.parametrize(
    ("source", "note"),
    [
        (f'<!DOCTYPE l [<!ENTITY a "ha">{_LAUGHS}]><l>&j;</l>', "a document type with a subset"),
        ('<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><l>&x;</l>', "a document type with a subset"),
        ('<!DOCTYPE l [<!ENTITY % x SYSTEM "http://a.example/">%x;]><l/>', "a document type with a subset"),
        ('<!DOCTYPE l [<!ATTLIST l a CDATA "x">]><l/>', "a document type with a subset"),
        ("<a><b></a>", "This is not valid XML: at line 1, column 9: mismatched tag"),
        ("<a>&nbsp;</a>", "undefined entity"),
        ("<a>\x01</a>", "not well-formed"),
        ("<a/>" * 3, "junk after document element"),
    ],
)
def test_other_xml_is_shown_as_it_came(source: str, note: str) -> None:
    body = shown(answer(source.encode(), "text/xml"))
    assert note in " ".join(body.notes)
    assert html.unescape(re.sub("<.*?>", "", body.text)) == source.replace("\x01", "U+0001")


@pytest.mark.parametrize("times", [149_000, 50_000])
def test_xml_of_any_depth_is_shown(times: int) -> None:
    assert shown(answer(b"<a>" * times + b"</a>" * times, "text/xml")).text.startswith("&lt;a&gt;")


# --- Packing and charsets ---
packed = partial(gzip.compress, mtime=0)  # names of tests are made of it
BARE = zlib.compressobj(wbits=-15)
PLAIN = b'{"a":1}'


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (packed(PLAIN), "gzip"),
        (packed(PLAIN), "X-GZIP"),
        (packed(PLAIN[:3]) + packed(PLAIN[3:]), "gzip"),
        (zlib.compress(PLAIN), "deflate"),
        (BARE.compress(PLAIN) + BARE.flush(), "deflate"),
        (zlib.compress(packed(PLAIN)), "gzip, identity, deflate"),
        (PLAIN, "identity"),
    ],
)
def test_packed_text_is_unpacked_for_display(body: bytes, coding: str) -> None:
    fields = ("Content-Encoding", coding)
    assert text(body, "application/json", fields) == '{\n  "a": 1\n}'
    said = notes(body, "application/json", fields)
    assert said.startswith("Pretty-printed JSON, 7 bytes")
    assert ("unpacked for display" in said) == (coding != "identity")
    assert b64decode(shown(answer(body, "", fields)).download.partition(",")[2]) == PLAIN


@pytest.mark.parametrize(
    ("body", "coding", "note"),
    [
        (b"\x8b\x02", "br", "Not unpacked: br cannot be unpacked here. It is offered as it came."),
        (b"abc", "gzip", "Not unpacked: it is no gzip"),
        (b"abc", "gzip, " * 9, "it is packed too often"),
    ],
)
def test_what_cannot_be_unpacked_is_offered_as_it_came(body: bytes, coding: str, note: str) -> None:
    found = shown(answer(body, "text/plain", ("Content-Encoding", coding)))
    assert found.kind == "binary"
    assert note in found.notes[1]
    assert b64decode(found.download.partition(",")[2]) == body


def test_a_packed_body_that_breaks_off_is_shown_as_far_as_it_goes() -> None:
    body = shown(answer(packed(b"a" * 999)[:-9], "text/plain", ("Content-Encoding", "gzip")))
    assert body.text.startswith("aaa")
    assert "and it breaks off" in body.notes[1]
    assert not body.download


@pytest.mark.parametrize("times", [1, 2])
def test_a_bomb_is_unpacked_to_a_bound(times: int) -> None:
    body = b"0" * 20 * MIB
    for _ in range(times):
        body = gzip.compress(body, 1 if times == 1 else 9)
    tracemalloc.start()
    found = shown(answer(body, "text/plain", ("Content-Encoding", ", ".join(["gzip"] * times))))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * MIB
    assert "the first 1 MiB of what is in it is shown" in " ".join(found.notes)
    assert not found.download


def test_many_small_members_cost_little() -> None:
    assert (
        shown(answer(gzip.compress(b"a") * 40_000, "text/plain", ("Content-Encoding", "gzip"))).text
        == "a" * 50
    )


@pytest.mark.parametrize(
    ("body", "media_type", "expected", "note"),
    [
        ("Zoë".encode(), "text/plain", "Zoë", ""),
        ("Zoë".encode("latin-1"), "text/plain; charset=ISO-8859-1", "Zoë", ""),
        ("Zoë".encode("latin-1"), 'text/plain; Charset="iso-8859-1"', "Zoë", ""),
        (b"\xef\xbb\xbf" + "Zoë".encode(), "text/plain; charset=latin1", "Zoë", ""),
        ("Zoë".encode("utf-16"), "", "Zoë", ""),
        ("Zoë".encode("utf-32"), "text/plain", "Zoë", ""),
        (
            '<?xml version="1.0" encoding="iso-8859-1"?><a>Zoë</a>'.encode("latin-1"),
            "text/xml",
            '<?xml version="1.0" encoding="iso-8859-1"?>\n<a>Zoë</a>',
            "",
        ),
        (b"Zo\xeb", "text/plain", "Zo�", "1 place is not valid in UTF-8"),
        (
            b"Zoe",
            "text/plain; charset=punycode",
            "Zoe",
            "The charset punycode is not known here: read as UTF-8.",
        ),
        (b"Zoe", "text/plain; charset=zip", "Zoe", "The charset zip is not known here: read as UTF-8."),
        (b"Zoe", "text/plain; charset=iso-8859-99", "Zoe", "is not known here"),
    ],
)
def test_a_charset_is_found_and_doubt_is_told(body: bytes, media_type: str, expected: str, note: str) -> None:
    assert text(body, media_type) == expected
    assert note in notes(body, media_type)


def test_half_a_character_at_a_cut_is_no_fault() -> None:
    body = "ë".encode() * 3
    assert text(body[:-1], "text/plain", cut="size", size=9) == "ëë"
    assert "not valid" not in notes(body[:-1], "text/plain", cut="size", size=9)


# --- Hiding ---
def test_what_has_no_glyph_or_turns_others_around_is_spelled_out() -> None:
    found = visible("a\u202eb\u200b\x00\ufeff\t\r\n\rz\U000e0041&<")
    assert re.sub("<.*?>", "|", found) == (
        "a|U+202E|b|U+200B||U+0000||U+FEFF|\t\n|U+000D|z|U+E0041|&amp;&lt;"
    )


def test_so_many_of_them_that_a_page_would_suffer_are_plain() -> None:
    found = visible("\u202ea" * 100_000)
    assert found.count("<span") == 2000
    assert "[U+202E]a" in found
    assert not re.search("[\u202e\u200b]", found)


def test_fields_and_reason_hide_nothing() -> None:
    found = shown(Answer(200, "O\u202eK<b>", (("X-<i>\u200b", "<script>\x1b" + "v" * 9000),) * 300))
    assert found.reason == 'O<span class="unseen">U+202E</span>K&lt;b&gt;'
    name, value = found.fields[0]
    assert name == 'X-&lt;i&gt;<span class="unseen">U+200B</span>'
    assert value.startswith('&lt;script&gt;<span class="unseen">U+001B</span>vvv')
    assert "(cut: 9,009 characters in all)" in value
    assert (len(found.fields), found.more_fields) == (200, 100)
    assert shown(Answer(200, "\u202e" * 99, ())).reason.count("<span") == 20


# --- Images ---
def png(width: int, height: int, after: bytes = b"") -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
        + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
        + b"\0" * 4
        + after
    )


def gif(width: int, height: int, frame: tuple[int, int]) -> bytes:
    head = (
        b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0" * 6 + b"\x21\xf9\x04\0\0\0\0\0"
    )
    return head + b"\x2c" + struct.pack("<4HB", 0, 0, *frame, 0) + b"\x02\x02\x4c\x01\0\x3b"


def jpeg(width: int, height: int) -> bytes:
    sof = b"\xff\xff\xc2" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\1\x11\0"
    return b"\xff\xd8\xff\xe0\0\x04\xff\xc0" + sof + b"\xff\xda\0\2"


def webp(kind: bytes, payload: bytes) -> bytes:
    return (
        b"RIFF"
        + struct.pack("<I", len(payload) + 12)
        + b"WEBP"
        + kind
        + struct.pack("<I", len(payload))
        + payload
    )


IMAGES = {
    "png": png(40, 30),
    "gif": gif(40, 30, (4, 3)),
    "gif with a larger frame": gif(1, 1, (40, 30)),
    "jpeg": jpeg(40, 30),
    "webp": webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 40, 30 | 0x4000)),
    "webp lossless": webp(b"VP8L", b"\x2f" + struct.pack("<I", 39 | 29 << 14)),
    "webp extended": webp(b"VP8X", b"\0\0\0\0" + b"\x27\0\0" + b"\x1d\0\0"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_known_by_its_first_bytes_and_says_its_size(name: str) -> None:
    found = images.image_of(IMAGES[name])
    assert found
    assert (found.width, found.height, found.fits) == (40, 30, True)
    body = shown(answer(IMAGES[name], "text/html"))
    assert body.kind == "image"
    assert body.image.startswith(f"data:image/{name.split(maxsplit=1)[0]};base64,")
    assert body.alt == f"The image that came: {found.name}, 40 by 30 pixels"


@pytest.mark.parametrize(
    "data",
    [png(60_000, 60_000), png(1, 20_000), png(4001, 4000), gif(9, 9, (60_000, 60_000)), jpeg(65_000, 65_000)],
)
def test_an_image_too_large_for_a_browser_is_offered_instead(data: bytes) -> None:
    body = shown(answer(data, "image/png"))
    assert (body.kind, body.image) == ("binary", "")
    assert "too large to be shown" in body.notes[0]
    assert body.download


@settings(deadline=None)  # a busy machine is no failure
@given(st.sampled_from(sorted(IMAGES.values())), st.data())
def test_a_broken_image_is_never_an_error(image: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(12, len(image) - 1))
    broken = image[:at] + data.draw(st.binary(max_size=8))
    body = shown(answer(broken, "image/png"))
    assert body.kind in ("image", "binary")


def test_the_first_part_of_an_image_is_not_shown() -> None:
    body = shown(answer(png(40, 30), "image/png", cut="size", size=5 * MIB))
    assert (body.kind, body.image, body.download) == ("binary", "", "")


@pytest.mark.parametrize(
    "media_type", ["image/svg+xml", "text/html", "application/xhtml+xml", "text/javascript"]
)
def test_what_could_run_is_text(media_type: str) -> None:
    source = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    assert text(source, media_type) == source.decode()


# --- What is text ---
@pytest.mark.parametrize(
    ("body", "media_type", "kind"),
    [
        (b"%PDF-1.7 all in letters", "application/pdf", "binary"),
        (bytes(range(256)), "application/octet-stream", "binary"),
        (bytes(range(256)), "text/plain", "binary"),
        (bytes(range(256)), "multipart/mixed; boundary=x", "binary"),
        (b"--x\r\nContent-Type: text/plain\r\n\r\nabc\r\n--x--", "multipart/mixed; boundary=x", "text"),
        (b"data: 1\n\n", "text/event-stream", "text"),
        (b"plain words", "", "text"),
        (b"plain words", "image/png", "text"),
        (b"BM" + bytes(90), "image/bmp", "binary"),
        (b"", "text/plain", "none"),
    ],
)
def test_text_is_what_reads_as_text(body: bytes, media_type: str, kind: str) -> None:
    assert shown(answer(body, media_type)).kind == kind


def test_a_type_that_is_not_so_is_told() -> None:
    assert "It says that it is text/plain, but it is not." in notes(bytes(256), "text/plain")


# --- Cuts ---
@pytest.mark.parametrize(
    ("more", "note"),
    [
        ({"cut": "size", "size": 200_000_000, "read": MIB}, "Cut: the first 1 MiB of 200 MB is kept."),
        ({"cut": "size", "size": None, "read": 64 * MIB}, "kept: after 67 MB it had not ended."),
        (
            {"cut": "time", "size": None, "read": 12, "seconds": 30.01},
            "stopped reading after 30 s, when 12 bytes had",
        ),
        ({"cut": "broken", "size": 9, "read": 3}, "the connection ended after 3 bytes of 9 bytes, before"),
    ],
)
def test_a_cut_is_told_and_nothing_partial_is_offered(more: dict[str, object], note: str) -> None:
    body = shown(answer(b"a" * MIB, "text/plain", **more))
    assert note in " ".join(body.notes)
    assert not body.download
    assert len(body.text) == 200_000
    assert "The first 200,000 characters are in the page." in body.notes
    assert note in " ".join(shown(answer(b"", **more)).notes) or more["cut"] == "size"


def test_sizes_are_told_as_people_read_them() -> None:
    sizes = [0, 1, 999, 1000, 4213, 9949, 9950, 999_499, 999_500, 64 * MIB, 200_000_000]
    said = [
        "0 bytes",
        "1 byte",
        "999 bytes",
        "1.0 kB",
        "4.2 kB",
        "9.9 kB",
        "10 kB",
        "999 kB",
        "1.0 MB",
        "67 MB",
        "200 MB",
    ]
    assert [size_words(size) for size in sizes] == said


# --- The page's part ---
def rendered(given_answer: Answer) -> str:
    return render_to_string(
        "portal/console/answer.html", {"answer": given_answer, "body": shown(given_answer)}
    )


@pytest.mark.parametrize("media_type", ["text/html", "application/json", "text/xml", "image/png", ""])
def test_nothing_of_a_back_end_becomes_markup(media_type: str) -> None:
    evil = "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    page = rendered(Answer(200, evil, ((evil, evil),), evil.encode(), 10, 10, "", 0.0123, 1.5))
    body = rendered(answer(f'{{"a": "{evil}"}}'.encode(), media_type))
    assert "<script" not in page + body
    assert "<img" not in page + body
    assert "12 ms until the headers had come, 1500 ms until the end" in page


# --- what a file of it is called, and where it leads ---
@pytest.mark.parametrize(
    ("body", "media_type", "ending"),
    [
        (b"%PDF-1.7\n\xff", "application/pdf", "pdf"),
        (b"PK\x03\x04\xff", "application/zip", "zip"),
        (
            b"PK\x03\x04\xff",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "xlsx",
        ),
        (b"MZ\x90\xff\x00", "application/pdf", "bin"),
        (b"MZ\x90\xff\x00", "application/x-msdownload", "bin"),
        (b"a;b\n", "Text/CSV; charset=utf-8", "csv"),
        (b"a: 1\n", "application/yaml", "yaml"),
        (b"{}", "application/problem+json", "json"),
        (b"<a/>", "text/xml", "xml"),
        (b"<script>1</script>", "text/html", "txt"),
        (b"alert(1)", "text/javascript", "txt"),
        (b"hello", "", "txt"),
    ],
)
def test_a_file_is_called_by_the_operation_and_what_it_is(body: bytes, media_type: str, ending: str) -> None:
    assert shown(answer(body, media_type), "get-report").file_name == f"get-report.{ending}"


def test_a_redirect_is_said_not_to_be_followed() -> None:
    def page(status: int, *fields: tuple[str, str]) -> str:
        came = Answer(status, "Moved", fields)
        return render_to_string("portal/console/answer.html", {"answer": came, "body": shown(came)})

    words = "The console does not follow it."
    assert words in page(302, ("location", "https://elsewhere.example"))
    assert words not in page(201, ("location", "https://elsewhere.example"))
    assert words not in page(304)
