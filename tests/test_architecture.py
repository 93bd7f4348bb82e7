"""The rules of the house, as tests: what imports what, and how large a room may be."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PURE = (
    "gateway.addresses",
    "gateway.ca_files",
    "gateway.certificate_contents",
    "gateway.certificate_files",
    "gateway.der",
    "gateway.errors",
    "gateway.expiry_notices",
    "gateway.export.layout",
    "gateway.export.literals",
    "gateway.export.names",
    "gateway.export.pkcs8",
    "gateway.export.recipient",
    "gateway.export.texts",
    "gateway.failures",
    "gateway.file_contents",
    "gateway.findings",
    "gateway.headers",
    "gateway.issued_files",
    "gateway.pem_files",
    "gateway.pkcs12",
    "gateway.pkcs12_parts",
    "gateway.policies",
    "gateway.preflight",
    "gateway.probing.report",
    "gateway.probing.tls_messages",
    "gateway.signing",
    "gateway.snapshot",
    "gateway.snapshot_codec",
    "gateway.snapshot_difference",
    "gateway.thumbprints",
    "gateway.tracing",
    "gateway.url_templates",
    "gateway.verification",
    "gateway.x509",
)
HTTP_CLIENTS = {"requests", "urllib3", "httpx", "aiohttp"}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for app in ("gateway", "portal") for path in (ROOT / app).rglob("*.py")}


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@cache
def imports(module: str) -> frozenset[str]:
    """What a module of ours imports, by full name, wherever in it."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    return frozenset(_imported(tree))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else str(node.module)


def closure(module: str) -> set[str]:
    """Everything that a module imports, directly or through modules of ours and their packages."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in MODULES:
            waiting += imports(name)
            parts = name.split(".")
            waiting += [".".join(parts[:n]) for n in range(1, len(parts))]
    return seen


def modules_of(*packages: str) -> list[str]:
    return sorted(name for name in MODULES if within(name, *packages))


@pytest.mark.parametrize("module", modules_of("gateway"))
def test_gateway_imports_nothing_from_portal(module: str) -> None:
    assert not [name for name in closure(module) if within(name, "portal")]


@pytest.mark.parametrize("module", modules_of("gateway.embedded"))
def test_an_engine_sees_a_snapshot_and_never_a_row(module: str) -> None:
    reached = closure(module)
    forbidden = (
        "django",
        "gateway.models",
        "gateway.publish",
        "gateway.changes",
        "gateway.records",
        "gateway.keystore",
    )
    assert not sorted(name for name in reached if within(name, *forbidden))


@pytest.mark.parametrize("module", modules_of(*PURE))
def test_a_pure_module_needs_neither_django_nor_an_http_client(module: str) -> None:
    reached = closure(module)
    assert not sorted(name for name in reached if within(name, "django", *HTTP_CLIENTS))


@pytest.mark.parametrize("module", modules_of("gateway", "portal"))
def test_outbound_alone_imports_an_http_client(module: str) -> None:
    if module != "gateway.outbound":
        assert not sorted(name for name in imports(module) if within(name, *HTTP_CLIENTS))


@pytest.mark.parametrize("module", modules_of("gateway.changes"))
def test_changes_know_models_keystore_and_pure_modules_only(module: str) -> None:
    allowed = ("gateway.changes", "gateway.models", "gateway.keystore", *PURE)
    assert not sorted(
        name for name in imports(module) if within(name, "gateway") and not within(name, *allowed)
    )


@pytest.mark.parametrize("module", modules_of("gateway.publish"))
def test_publish_knows_models_keystore_and_pure_modules_only(module: str) -> None:
    allowed = ("gateway.publish", "gateway.models", "gateway.keystore", *PURE)
    assert not [n for n in imports(module) if within(n, "gateway") and not within(n, *allowed)]


REST_API = "portal.management_api"
_WRITES = {"save", "create", "bulk_create", "get_or_create", "update_or_create", "bulk_update"}


@pytest.mark.parametrize("module", modules_of(REST_API))
def test_the_rest_api_needs_nothing_of_pages(module: str) -> None:
    pages = ("portal.views", "portal.forms", "portal.templatetags", "django.template", "django.shortcuts")
    assert not [name for name in imports(module) if within(name, *pages)]


@pytest.mark.parametrize("module", modules_of(REST_API))
def test_the_rest_api_comes_to_changes_and_writes_no_row(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    called = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    of_rows = {"update", "delete"}  # of a queryset; of a resource they come to a change
    chained = [f.attr for f in called if f.attr in of_rows and isinstance(f.value, ast.Call)]
    managed = [f.attr for f in called if isinstance(f.value, ast.Attribute) and f.value.attr == "objects"]
    assert not _WRITES & {f.attr for f in called if _receiver(f) not in {"self", "resource"}}
    assert not chained
    assert not {*_WRITES, *of_rows} & {*managed}
    assert not [name for name in imports(module) if within(name, "django.db.transaction", "gateway.keystore")]


def _receiver(function: ast.Attribute) -> str:
    return function.value.id if isinstance(function.value, ast.Name) else ""


@pytest.mark.parametrize("module", modules_of("gateway", "portal"))
def test_there_are_no_signals_and_no_logic_in_save(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    assert not [
        name for name in imports(module) if within(name, "django.dispatch", "django.db.models.signals")
    ]
    overridden = {
        function.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and within(module, "gateway.models")
        for function in node.body
        if isinstance(function, ast.FunctionDef)
    }
    assert not overridden & {"save", "delete", "clean", "full_clean"}


@pytest.mark.parametrize("module", modules_of("gateway", "portal"))
def test_rooms_are_small(module: str) -> None:
    if ".migrations" in module:
        return
    text = MODULES[module].read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    functions = [
        n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert not [f.name for f in functions if (f.end_lineno or 0) - f.lineno + 1 > 40]


def test_most_functions_are_short() -> None:
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for name, path in MODULES.items()
        if ".migrations" not in name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert lengths[int(len(lengths) * 0.8)] <= 16


@pytest.mark.parametrize("path", sorted(ROOT.glob("[gp]*/**/__init__.py")), ids=str)
def test_an_init_is_empty_or_a_list_of_names(path: Path) -> None:
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    assert not [n for n in nodes if not isinstance(n, ast.ImportFrom | ast.Assign | ast.Expr)]


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=str)
def test_a_template_has_nothing_inline(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", text)


_COMMITS = {"transaction", "transactional_db", "live_server", "TransactionTestCase", "LiveServerTestCase"}


def test_no_test_commits() -> None:
    """One that does empties all tables at its end, also of what migrations wrote: later tests miss their roles.

    Real transactions are for processes with a database of their own (database_url, shared_database_url).
    """
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")}
    suspects = [path for path, text in texts.items() if any(word in text for word in _COMMITS)]
    assert not [str(path) for path in suspects if _COMMITS & {*_named(ast.parse(texts[path]))}]


def _named(tree: ast.AST) -> Iterator[str]:
    """Fixtures and classes as they are named in code, and the options of pytest.mark.django_db."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="django_db"), keywords=keywords):
                yield from (keyword.arg or "" for keyword in keywords)
            case ast.Call(func=ast.Attribute(attr="usefixtures"), args=args):
                yield from (str(each.value) for each in args if isinstance(each, ast.Constant))
            case ast.arg(arg=name) | ast.Name(id=name) | ast.alias(name=name) if name != "transaction":
                yield name


def test_the_top_level_holds_what_was_agreed_and_nothing_else() -> None:
    agreed = {"manage.py", "pyproject.toml", "README.md", "portal", "gateway", "templates", "static", "tests"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert not {name for name in found - agreed if not name.endswith(".egg-info") and name != "build"}
