"""static/js/policy-editor.js is what static/editor builds, and nothing else of static/editor is served."""

import hashlib
import re
from pathlib import Path

from django.contrib.staticfiles import finders

from tests.databases import ROOT

EDITOR = ROOT / "static" / "editor"
BUNDLE = ROOT / "static" / "js" / "policy-editor.js"


def sources() -> list[Path]:
    """What the build reads, except packages, which the lock file stands for."""
    files = [EDITOR / name for name in ("build.js", "package.json", "package-lock.json")]
    return sorted(
        [*files, *(EDITOR / "src").glob("*.js")], key=lambda path: path.relative_to(EDITOR).as_posix()
    )


def test_the_bundle_was_built_from_the_sources_as_they_are() -> None:
    digest = hashlib.sha256()
    for path in sources():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(EDITOR).as_posix()} {len(content)}\n".encode() + content)
    said = re.search(r"^Sources: ([0-9a-f]{64})$", BUNDLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert said, "the bundle does not say what it was built from"
    assert said[1] == digest.hexdigest(), "run: cd static/editor && npm ci && npm run build"


def test_the_bundle_holds_the_licences_of_what_is_in_it() -> None:
    banner = BUNDLE.read_text(encoding="utf-8").partition("*/")[0]
    for package in ("@codemirror/view", "@lezer/xml", "style-mod", "w3c-keyname"):
        assert f"{package}: Copyright (C)" in banner
    assert "Permission is hereby granted, free of charge" in banner


def test_the_sources_and_their_packages_are_not_served() -> None:
    assert finders.find("js/policy-editor.js")
    assert finders.find("editor/package.json") is None
    listed = [path for finder in finders.get_finders() for path, _ in finder.list(None)]
    assert "policy-editor.js" in listed
    assert not [path for path in listed if "node_modules" in path or path.endswith("package.json")]
