"""Keys and certificates of the suite: made once into a folder, so that suite and gateway agree on them."""

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.pki import Issued, issue, make_ca, pem, self_signed

Credentials = Mapping[str, Issued]

KINDS_OF_KEY = ("rsa", "ec384", "ed25519")


def credentials(folder: Path) -> Credentials:
    """Those of the folder, which is filled if it is not there or empty."""
    if not folder.is_dir() or not any(folder.iterdir()):
        _fill(folder)
    return {path.stem: _read(path) for path in folder.glob("*.pem")}


def _fill(folder: Path) -> None:
    """All or nothing: of two processes that come at once, one is late and takes what the other made."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(mkdtemp(dir=folder.parent))
    for name, issued in _all().items():
        (made / f"{name}.key").write_text(issued.key_pem)
        (made / f"{name}.pem").write_text("".join(pem(cert) for cert in (issued.cert, *issued.chain)))
    try:
        made.rename(folder)
    except OSError:
        shutil.rmtree(made)
        if not folder.is_dir():
            raise


def _read(path: Path) -> Issued:
    cert, *chain = x509.load_pem_x509_certificates(path.read_bytes())
    key: Any = load_pem_private_key(path.with_suffix(".key").read_bytes(), None)
    return Issued(cert, key, tuple(chain))


def _all() -> dict[str, Issued]:
    ca = make_ca("Conformance CA")
    intermediate = make_ca("Conformance intermediate", parent=ca)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return {
        "ca": ca,
        "intermediate": intermediate,
        "another-ca": make_ca("Another CA"),
        "server": issue(ca, "back end"),
        "server-by-intermediate": issue(intermediate, "behind an intermediate"),
        "server-expired": issue(ca, "expired back end", not_after=yesterday),
        "server-other-name": issue(ca, "other", sans=("other.example",)),
        "server-self-signed": self_signed("self-signed back end"),
        "client-one": issue(ca, "partner-one"),
        "client-two": issue(ca, "partner-two"),
        "client-three": issue(ca, "partner-three"),
        "client-deep": issue(intermediate, "partner-deep"),
        "client-expired": issue(ca, "partner-old", not_after=yesterday),
        "client-stranger": self_signed("stranger"),
        **{f"client-{kind}": issue(ca, f"partner-{kind}", key_type=kind) for kind in KINDS_OF_KEY},
    }
