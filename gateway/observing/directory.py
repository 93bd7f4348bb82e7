"""The directory in which the processes of a gateway share their metrics (prometheus_client's multiprocess mode).

It is made for each run, before prometheus_client is imported, which looks for VARIABLE then.
"""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "gateway-metrics-"
_LOCK = "lock"
_MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
# A process dies when it writes to a mapped file for which there is no room: containers often have 64 MiB there.
_ROOM_BYTES = 256 * 1024 * 1024
_YOUNG_SECONDS = 60.0


class MetricsDirectory:
    """A new one, of this user alone, in `parent`.

    Unless told, that is in memory if there is room, for writing to a disk may take its time.
    """

    def __init__(self, parent: Path | None = None) -> None:
        roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
        parent = parent or (_MEMORY if roomy else Path(tempfile.gettempdir()))
        _sweep(parent)
        self.path = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
        self._lock = os.open(Path(self.path, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Remove it, whatever is in it."""
        os.close(self._lock)
        shutil.rmtree(self.path, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Remove what runs left that were killed: nobody holds its lock."""
    for path in parent.glob(f"{_PREFIX}*"):
        try:
            status = path.lstat()
            young = time.time() - status.st_mtime < _YOUNG_SECONDS  # its lock may not be there yet
            if young or status.st_uid != os.getuid():
                continue
            lock = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue  # gone by now
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(lock)


def process_ended(number: int) -> None:
    """A process is no more: what it counted stays, how it was is gone."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 (see above)

    mark_process_dead(number)  # type: ignore[no-untyped-call]
