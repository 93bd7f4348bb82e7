"""The thread that follows the configuration: what it looks at, and how soon it sees a change."""

import gc
from collections.abc import Iterator

import pytest

from gateway.following import without_collecting
from tests.databases import manage, postgres_address, postgres_database

# A look reads the number of a change, waits for a table that another change holds, and meanwhile that one is made.
# Twenty that are seen by looking every second would take twenty seconds.
CHANGES_DURING_LOOKS = """
import threading, time
from django.db import connection, transaction
from gateway.following import Follower
from gateway.models import Revision
from tests.builders import make_api, make_ca_certificate
from tests.running import until

def change(number):
    make_ca_certificate(f"CA {number}")
    connection.close()

def waiting():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]

seen = []
follower = Follower(lambda snapshot, difference: seen.append(snapshot.revision), print)
follower.start()
until(lambda: seen)
end = time.monotonic() + 18
for number in range(20):
    with transaction.atomic():
        connection.cursor().execute("LOCK TABLE gateway_api IN ACCESS EXCLUSIVE MODE")
        earlier = threading.Thread(target=change, args=(number,))
        earlier.start()
        earlier.join()
        until(waiting)
        make_api(f"API {number}")
    until(lambda: seen[-1] == Revision.objects.get().number, end - time.monotonic())
print(len(seen))
follower.stop()
"""


@pytest.fixture
def database_url(postgres_url: str, postgres_migrated: str) -> Iterator[str]:
    with postgres_database(postgres_url, postgres_migrated) as name:
        yield postgres_address(postgres_url, name)


@pytest.mark.wire
@pytest.mark.postgres
def test_a_change_that_is_made_during_a_look_is_seen_at_once(database_url: str) -> None:
    assert manage(database_url, "shell", "--verbosity=0", "-c", CHANGES_DURING_LOOKS) == "41\n"


def test_nothing_is_collected_during_a_reading_and_what_was_read_is_never_looked_at_again() -> None:
    frozen = gc.get_freeze_count()
    try:
        with without_collecting(whole=True):
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("whole", [True, False])
def test_garbage_is_collected_again_after_a_reading_that_failed(whole: bool) -> None:
    frozen = gc.get_freeze_count()
    with pytest.raises(ValueError, match="away"), without_collecting(whole=whole):
        raise ValueError("away")
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen
