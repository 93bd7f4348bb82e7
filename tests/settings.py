"""The portal's own settings, with throw-away secrets. TEST_DATABASE_URL runs the tests on another database."""

import os
import tempfile
from pathlib import Path

_SCRATCH = Path(tempfile.gettempdir()) / f"publisher-portal-tests-{os.getuid()}"
_SCRATCH.mkdir(mode=0o700, exist_ok=True)

os.environ.update(
    SECRET_KEY="only-for-tests-" + "x" * 50,
    CERTIFICATE_ENCRYPTION_KEYS="Zm9yLXRlc3RzLW9ubHktZm9yLXRlc3RzLW9ubHktMTI=",
    DATABASE_URL=os.environ.get("TEST_DATABASE_URL", f"sqlite:///{_SCRATCH}/portal.sqlite3"),
    ENV_FILE=os.devnull,
)

from portal.settings import *  # noqa: E402, F403
from portal.settings import DATABASES  # noqa: E402

# A file, not memory: tests with threads need connections of their own.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # What a process left that was killed and had this number.
    for _stale in _SCRATCH.glob(f"test-{os.getpid()}[._]*"):
        _stale.unlink(missing_ok=True)
    DATABASES["default"]["TEST"] = {"NAME": str(_SCRATCH / f"test-{os.getpid()}.sqlite3")}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
