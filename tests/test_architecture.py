"""The rules of the house, as tests: what imports what, and how large a room may be."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
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
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def imports(module: str) -> frozenset[str]:
    """What a module of ours imports, by full name, wherever in it."""
    return frozenset(_imported(tree_of(module)))


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
    found = sorted(name for name in MODULES if within(name, *packages))
    assert found, f"there is nothing in {packages}"
    return found


OURS = modules_of("gateway", "portal")


def wrong(modules: Iterable[str], found: Callable[[str], Iterable[str]]) -> dict[str, list[str]]:
    """The modules in which something is found that should not be, each with that."""
    return {module: names for module in modules if (names := sorted(set(found(module))))}


def imported(modules: Iterable[str], *packages: str) -> dict[str, list[str]]:
    """Which of the modules import one of some packages, and what of them."""
    return wrong(modules, lambda module: [name for name in imports(module) if within(name, *packages)])


def reached(modules: Iterable[str], *packages: str) -> dict[str, list[str]]:
    """The same for what is imported through other modules, too."""
    return wrong(modules, lambda module: [name for name in closure(module) if within(name, *packages)])


def test_gateway_imports_nothing_from_portal() -> None:
    assert reached(modules_of("gateway"), "portal") == {}


def test_an_engine_sees_a_snapshot_and_never_a_row() -> None:
    forbidden = (
        "django",
        "gateway.models",
        "gateway.publish",
        "gateway.changes",
        "gateway.records",
        "gateway.keystore",
    )
    assert reached(modules_of("gateway.embedded"), *forbidden) == {}


def test_a_pure_module_needs_neither_django_nor_an_http_client() -> None:
    assert reached(modules_of(*PURE), "django", *HTTP_CLIENTS) == {}


def test_outbound_alone_imports_an_http_client() -> None:
    assert list(imported(OURS, *HTTP_CLIENTS)) == ["gateway.outbound"]


@pytest.mark.parametrize("package", ["gateway.changes", "gateway.publish"])
def test_changes_and_publish_know_models_keystore_and_pure_modules_only(package: str) -> None:
    allowed = (package, "gateway.models", "gateway.keystore", *PURE)
    known = imported(modules_of(package), "gateway")
    assert wrong(known, lambda module: [name for name in known[module] if not within(name, *allowed)]) == {}


REST_API = "portal.management_api"
_WRITES = {"save", "create", "bulk_create", "get_or_create", "update_or_create", "bulk_update"}


def test_the_rest_api_needs_nothing_of_pages() -> None:
    pages = ("portal.views", "portal.forms", "portal.templatetags", "django.template", "django.shortcuts")
    assert imported(modules_of(REST_API), *pages) == {}


def test_the_rest_api_comes_to_changes_and_writes_no_row() -> None:
    assert wrong(modules_of(REST_API), _written_by) == {}
    assert imported(modules_of(REST_API), "django.db.transaction", "gateway.keystore") == {}


def _written_by(module: str) -> Iterator[str]:
    """The methods by which a module would write rows."""
    of_rows = {"update", "delete"}  # of a queryset; of a resource they come to a change
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called, receiver = node.func.attr, node.func.value
            name = receiver.id if isinstance(receiver, ast.Name) else ""
            managed = isinstance(receiver, ast.Attribute) and receiver.attr == "objects"
            writes = called in _WRITES and name not in {"self", "resource"}
            if writes or (called in of_rows and (managed or isinstance(receiver, ast.Call))):
                yield called


def test_there_are_no_signals_and_no_logic_in_save() -> None:
    assert imported(OURS, "django.dispatch", "django.db.models.signals") == {}
    assert wrong(modules_of("gateway.models"), _overridden) == {}


def _overridden(module: str) -> set[str]:
    classes = [node for node in ast.walk(tree_of(module)) if isinstance(node, ast.ClassDef)]
    functions = [each for node in classes for each in node.body if isinstance(each, ast.FunctionDef)]
    return {each.name for each in functions} & {"save", "delete", "clean", "full_clean"}


ROOMS = [name for name in OURS if ".migrations" not in name]


def functions_of(module: str) -> list[tuple[str, int]]:
    """Each function with how many lines it has."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [node for node in ast.walk(tree_of(module)) if isinstance(node, kinds)]
    return [(each.name, (each.end_lineno or 0) - each.lineno + 1) for each in functions]


def test_rooms_are_small() -> None:
    assert not [name for name in ROOMS if MODULES[name].read_text(encoding="utf-8").count("\n") > 400]
    assert wrong(ROOMS, lambda module: [name for name, lines in functions_of(module) if lines > 40]) == {}


def test_most_functions_are_short() -> None:
    lengths = sorted(lines for name in ROOMS for _, lines in functions_of(name))
    assert lengths[int(len(lengths) * 0.8)] <= 16


def test_an_init_is_empty_or_a_list_of_names() -> None:
    inits = [name for name in OURS if MODULES[name].name == "__init__.py"]
    kinds = (ast.ImportFrom, ast.Assign, ast.Expr)
    assert wrong(inits, lambda name: [str(n) for n in tree_of(name).body if not isinstance(n, kinds)]) == {}


def test_a_template_has_nothing_inline() -> None:
    inline = re.compile(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)")
    templates = sorted((ROOT / "templates").rglob("*.html"))
    assert templates
    assert not [str(path) for path in templates if inline.search(path.read_text(encoding="utf-8"))]


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
