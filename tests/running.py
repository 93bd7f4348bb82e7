"""Commands that run until they are told to stop, as processes; and proof that nothing of them is left."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
_MARK = "TEST_RUN"
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")


class Running:
    """One run of `manage.py` with nothing of the tests' environment in its own."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._mark = uuid.uuid4().hex
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        defaults = {
            "ENV_FILE": os.devnull,
            "STOP_SECONDS": "10",
            "LOG_LEVEL": "INFO",
            "PYTHONUNBUFFERED": "1",
        }
        if "serve" in arguments:
            defaults["GATEWAY_OPERATOR_PORT"] = "off"  # several runs at a time would want the same one
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env={**kept, **defaults, **environment, _MARK: self._mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._readers = [threading.Thread(target=self._read, args=(name,)) for name in self._lines]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str) -> None:
        for line in getattr(self.process, name):
            self._lines[name].append(line)

    @property
    def stdout(self) -> str:
        """What it has printed so far."""
        return "".join(self._lines["stdout"])

    @property
    def stderr(self) -> str:
        """What it has reported so far."""
        return "".join(self._lines["stderr"])

    def wait_for_output(self, count: int = 1, seconds: float = 60) -> list[str]:
        """The first lines on standard output. Fails when the command ends before."""
        until(lambda: len(self._lines["stdout"]) >= count or self.process.poll() is not None, seconds)
        assert len(self._lines["stdout"]) >= count, f"no output; standard error:\n{self.stderr}"
        return [line.rstrip("\n") for line in self._lines["stdout"]]

    def end(self, number: signal.Signals = signal.SIGTERM, seconds: float = 30) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.wait(seconds)

    def wait(self, seconds: float = 30) -> int:
        """The exit code, once all output is read."""
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.join(seconds)
        return code

    def processes(self) -> dict[int, str]:
        """Every process that came out of this run and is there: number and command line."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{_MARK}={self._mark}".encode() in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def masters(self, word: str) -> list[int]:
        """The oldest process whose command line has the word, as a list of one."""
        return sorted(number for number, command in self.processes().items() if word in command)[:1]

    def kill_all(self) -> None:
        """For a test's end, whatever happened."""
        for number in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()


@contextlib.contextmanager
def running(*arguments: str, **environment: str) -> Iterator[Running]:
    """Start `manage.py` with the arguments; nothing of it outlives the block."""
    started = Running(*arguments, **environment)
    try:
        yield started
    finally:
        started.kill_all()


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait until the condition holds. Fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)
