"""A PostgreSQL server of a test's own, which can be stopped, frozen and started again."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))[-1:]


class PostgresServer:
    """It listens on a port of this machine, and whoever connects is let in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"postgres://tests@127.0.0.1:{self._port}/postgres"
        self._run("initdb", "--username=tests", "--auth=trust", "--encoding=UTF8", "--no-sync")
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root.
        command = [str(PROGRAMS[0] / program), f"--pgdata={self._folder / 'data'}", *arguments]
        if os.getuid() == 0:
            shutil.chown(self._folder, "postgres")
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, cwd=self._folder, check=True, stdout=subprocess.DEVNULL, timeout=60)

    def start(self) -> None:
        """Start, and return when it answers."""
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run(
            "pg_ctl", "start", "--silent", "--wait", f"--log={self._folder / 'log'}", f"--options={options}"
        )

    def stop(self) -> None:
        """Stop, as somebody does who has other things in mind than its clients."""
        self._run("pg_ctl", "stop", "--silent", "--wait", "--mode=immediate")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Whoever asks gets no answer, and connections are made and then nothing comes."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        master = int((self._folder / "data/postmaster.pid").read_text().split()[0])
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if master in (parent, int(folder.name)):
                    os.kill(int(folder.name), number)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server that is gone with its files afterwards."""
    folder = Path(mkdtemp(prefix="publisher-portal-postgresql-"))
    server = PostgresServer(folder)
    try:
        yield server
    finally:
        with suppress(subprocess.CalledProcessError):  # the test has stopped it
            server.stop()
        shutil.rmtree(folder)
