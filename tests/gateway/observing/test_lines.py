"""Lines on their way to files and pipes that may be slow, full, or gone."""

import fcntl
import logging
import os
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.observing.lines import HELD_BYTES, LineWriter
from tests.running import until


@contextmanager
def writing(target: Path | str, seconds: float = 5) -> Iterator[LineWriter]:
    writer = LineWriter("test log", str(target))
    writer.start()
    try:
        yield writer
    finally:
        writer.stop(seconds)


@contextmanager
def pipe(path: Path, size: int = 4096) -> Iterator[int]:
    """A named pipe that is open and not read."""
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDWR)  # as a reader, which a writer waits for
    fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, size)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def numbered(count: int, length: int = 100) -> list[str]:
    return [f"{number:08d} {'x' * (length - 10)}\n" for number in range(count)]


def test_everything_is_written_in_order_by_the_end(tmp_path: Path) -> None:
    lines = numbered(5000)
    with writing(tmp_path / "log") as writer:
        for line in lines:
            writer.put(line)
    assert (tmp_path / "log").read_text() == "".join(lines)
    assert writer.dropped == 0


def test_lines_are_added_to_a_file_that_only_its_owner_and_group_read(tmp_path: Path) -> None:
    for _ in range(2):
        with writing(tmp_path / "log") as writer:
            writer.put("line\n")
    assert (tmp_path / "log").read_text() == "line\n" * 2
    assert (tmp_path / "log").stat().st_mode & 0o027 == 0


def test_after_reopen_lines_go_to_a_new_file_and_none_is_lost(tmp_path: Path) -> None:
    with writing(tmp_path / "log") as writer:
        writer.put("before\n")
        until((tmp_path / "log").exists)
        (tmp_path / "log").rename(tmp_path / "log.1")
        writer.reopen()
        writer.put("after\n")
    assert (tmp_path / "log.1").read_text() + (tmp_path / "log").read_text() == "before\nafter\n"
    assert "after\n" in (tmp_path / "log").read_text()


def test_two_writers_of_one_pipe_keep_their_lines_whole(tmp_path: Path) -> None:
    lines = numbered(1000, 700)
    with pipe(tmp_path / "pipe", size=65536):
        with (tmp_path / "read").open("wb") as file:
            reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=file)
        with writing(tmp_path / "pipe") as one, writing(tmp_path / "pipe") as other:
            for line in lines:
                one.put(line)
                other.put(line)
    assert reader.wait(10) == 0
    assert sorted((tmp_path / "read").read_text().splitlines(keepends=True)) == sorted(lines * 2)


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_what_is_dropped_is_counted_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = numbered(HELD_BYTES // 1000 + 300, 1000)
    with pipe(tmp_path / "pipe") as descriptor, writing(tmp_path / "pipe") as writer:
        for line in lines:  # returns, which is the test
            writer.put(line)
        held = len(lines) - writer.dropped
        assert abs(held * 1000 - HELD_BYTES) < 20_000
        text = b""
        while text.count(b"\n") < held:
            text += os.read(descriptor, 65536)
    assert text.decode() == "".join(lines[:held])
    assert caplog.messages == [
        f"test log: {len(lines) - held} lines were dropped: they are not read fast enough"
    ]


def test_a_reader_that_is_stuck_does_not_keep_a_process_from_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pipe(tmp_path / "pipe"), writing(tmp_path / "pipe", seconds=0.2) as writer:
        for line in numbered(1000):
            writer.put(line)
    assert caplog.messages == ["test log: 1000 lines were dropped: they were not read in time"]


def away(folder: Path) -> Path:
    return folder / "nowhere" / "log"


def full(folder: Path) -> Path:
    return Path("/dev/full")


@pytest.mark.parametrize(("broken", "why"), [(away, "No such file"), (full, "No space left")])
def test_what_cannot_be_written_is_counted_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: Callable[[Path], Path], why: str
) -> None:
    with caplog.at_level(logging.ERROR), writing(broken(tmp_path)) as writer:
        for count in (1, 2, 3):
            writer.put("line\n")
            until(lambda count=count: writer.dropped == count)
    first, last = caplog.messages
    assert first.startswith("test log: 1 lines were dropped")
    assert last.startswith("test log: 2 lines were dropped")  # at the end, what was not said yet
    assert why in first


TORN = """
import os, resource, signal, sys
from gateway.observing.lines import LineWriter
from tests.running import until
resource.setrlimit(resource.RLIMIT_FSIZE, (150, resource.RLIM_INFINITY))
writer = LineWriter("test", sys.argv[1], gather=0.2)
writer.start()
writer.put("one" * 33 + "\\n")
writer.put("two" * 33 + "\\n")
until(lambda: writer.dropped)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.put("three\\n")
writer.stop(10)
"""


def test_after_half_a_line_the_next_one_begins_a_line(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", TORN, tmp_path / "log"], check=True, timeout=20)
    first, half, last = (tmp_path / "log").read_text().splitlines()
    assert (first, half, last) == ("one" * 33, ("two" * 33)[:50], "three")


def test_it_goes_on_when_the_folder_is_there(tmp_path: Path) -> None:
    with writing(away(tmp_path)) as writer:
        writer.put("lost\n")
        until(lambda: writer.dropped == 1)
        (tmp_path / "nowhere").mkdir()
        writer.put("kept\n")
    assert away(tmp_path).read_text() == "kept\n"


def test_a_pipe_that_does_not_block_is_waited_for(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NON_BLOCKING]
    with (
        pipe(tmp_path / "pipe") as descriptor,
        (tmp_path / "pipe").open("rb") as reader,
        subprocess.Popen(command, stderr=descriptor) as process,
    ):
        until(lambda: waiting_to_be_read(descriptor) == 4000)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        assert reader.read(500 * 100) == (b"x" * 99 + b"\n") * 500
        assert process.wait(10) == 0


def waiting_to_be_read(descriptor: int) -> int:
    return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)


NON_BLOCKING = """
import os
from gateway.observing.lines import LineWriter
os.set_blocking(2, False)
writer = LineWriter("test", "-", gather=0.2)
writer.start()
for _ in range(500):
    writer.put("x" * 99 + "\\n")
writer.stop(10)
"""

ERRORS = """
import logging, os, sys
from gateway.observing.error_log import BackgroundErrorLog
logging.basicConfig(format="%(levelname)s %(message)s")
log = BackgroundErrorLog()
log.start()
for number in range(1000):
    logging.error("%d %s", number, "x" * 200)
print("alive", flush=True)
log.stop()
print(sum(type(handler) is logging.StreamHandler for handler in logging.getLogger().handlers))
"""


def test_an_error_log_that_nobody_reads_holds_nobody_up(tmp_path: Path) -> None:
    with pipe(tmp_path / "pipe") as descriptor:
        done = subprocess.run(
            [sys.executable, "-c", ERRORS],
            stderr=descriptor,
            stdout=subprocess.PIPE,
            timeout=20,
            check=True,
        )
    assert done.stdout == b"alive\n1\n"


def test_an_error_log_is_whole_by_the_end() -> None:
    command = [sys.executable, "-c", ERRORS]
    done = subprocess.run(command, capture_output=True, timeout=20, text=True, check=True)
    assert done.stderr.splitlines() == [f"ERROR {number} {'x' * 200}" for number in range(1000)]
