"""Child processes that never outlive their parent, and their supervision."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from portal.serving.errors import ServingError
from portal.serving.listeners import Listener

_PR_SET_PDEATHSIG = 1  # prctl(2)
_POLL_SECONDS = 0.1
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Program:
    """What to start: a name for people, a command without secrets, its listeners and what its environment adds."""

    name: str
    command: Sequence[str]
    listeners: Sequence[Listener]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    expendable: bool = False  # it has nothing to finish, and is ended when the others are done


@dataclass(frozen=True, slots=True)
class Errand:
    """A program that is started again and again, and ends by itself each time, well or not."""

    program: Program
    first_seconds: float  # until it is started first, once all programs answer
    every_seconds: float


class Supervisor:
    """Starts programs in order, waits, and stops all of them when it is told to or when one of them ends.

    SIGUSR1 is passed on to them: logs are reopened.

    Each program is the leader of a process group of its own, so that Ctrl-C reaches the supervisor alone, which
    then asks every program to finish its calls; what is left after `stop_seconds` is killed with its group.
    """

    def __init__(
        self, stop_seconds: float, report: Callable[[str], None], errands: Sequence[Errand] = ()
    ) -> None:
        self._stop_seconds = stop_seconds
        self._errands = [_Run(errand) for errand in errands]
        self._report = report
        self._running: list[tuple[Program, subprocess.Popen[bytes]]] = []
        self._stops = 0

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """While entered, SIGTERM, SIGINT (Ctrl-C) and SIGHUP ask for the end instead of ending this process."""
        before = {number: signal.signal(number, self._ask) for number in _STOP_SIGNALS}
        before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._pass_on)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._stops += 1

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        for _, process in self._running:
            process.send_signal(number)

    @property
    def asked_to_stop(self) -> bool:
        """Whether a signal has come."""
        return self._stops > 0

    def start(self, program: Program) -> None:
        """Start a program and leave its listeners to it alone."""
        self._running.append((program, self._process(program)))
        for listener in program.listeners:
            listener.socket.close()

    def _process(self, program: Program) -> subprocess.Popen[bytes]:
        prctl, parent = _prctl(), os.getpid()

        def die_with_parent() -> None:
            """Runs between fork and exec: a parent that is killed takes its children along (Linux)."""
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # which may come before the program is ready for it
            if prctl is not None:
                prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
                if os.getppid() != parent:
                    os.kill(os.getpid(), signal.SIGTERM)

        return subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            env={**os.environ, "PYTHONPATH": _python_path(), **program.environment},
            pass_fds=[listener.socket.fileno() for listener in program.listeners],
            process_group=0,
            preexec_fn=die_with_parent,  # noqa: PLW1509 (this process has one thread)
        )

    def check(self) -> None:
        """Raises ServingError when a program has ended by itself."""
        for program, process in self._running:
            if process.poll() is not None:
                raise ServingError(f"The {program.name} has stopped by itself ({_end(process.returncode)}).")

    def wait(self) -> None:
        """Run the errands, and return when a signal asks for the end. Raises ServingError when a program ends."""
        for run in self._errands:
            run.due = time.monotonic() + run.errand.first_seconds
        while not self.asked_to_stop:
            self.check()
            for run in self._errands:
                self._go(run)
            time.sleep(_POLL_SECONDS)

    def _go(self, run: "_Run") -> None:
        """Start an errand whose time has come, unless it is still on its way."""
        if run.on_its_way() or time.monotonic() < run.due:
            return
        run.due = time.monotonic() + run.errand.every_seconds
        try:
            run.process = self._process(run.errand.program)
        except OSError as error:  # no memory for it, say: the servers go on
            self._report(f"The {run.errand.program.name} could not be started: {error}.")

    def stop(self) -> None:
        """Ask all programs to finish their calls, and end what is left; a second signal ends the patience."""
        asked = self._stops
        for program, process in self._running:
            if not program.expendable:
                process.terminate()
        deadline = time.monotonic() + self._stop_seconds
        while self._alive() and self._stops <= asked and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS / 2)
        for name in self._alive():
            self._report(f"The {name} did not finish in time and is stopped now.")
        errands = [run.process for run in self._errands if run.process]
        for process in [*errands, *(process for _, process in self._running)]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # also what a program left behind
            process.wait()
        self._running.clear()

    def _alive(self) -> list[str]:
        """Who has calls to finish."""
        return [p.name for p, process in self._running if not p.expendable and process.poll() is None]


@dataclass
class _Run:
    """When an errand is due again, and its process while it is on its way."""

    errand: Errand
    due: float = 0.0
    process: subprocess.Popen[bytes] | None = None

    def on_its_way(self) -> bool:
        if self.process and self.process.poll() is not None:
            self.process = None  # its number may be another's from now on
        return self.process is not None


def _prctl() -> Callable[[int, int], int] | None:
    """Linux's prctl, looked up before a fork; None elsewhere."""
    if not sys.platform.startswith("linux"):
        return None
    prctl: Callable[[int, int], int] = ctypes.CDLL(None, use_errno=True).prctl
    return prctl


def _python_path() -> str:
    """The project is not installed as a package, and a command may be run from any folder."""
    root, before = str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")
    return f"{root}{os.pathsep}{before}" if before else root


def _end(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
