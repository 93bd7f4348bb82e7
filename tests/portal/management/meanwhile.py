"""Somebody else, who is faster: between what a request has read and the transaction of its change."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def meanwhile(theirs: Callable[[], Any]) -> Iterator[None]:
    """Make a change of somebody else just before the next request begins its own. It must come to that."""
    waiting = [theirs]

    def before_the_change(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if waiting and sql.startswith("SAVEPOINT"):  # as a transaction begins inside that of a test
            waiting.pop()()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(before_the_change):
        yield
    assert not waiting, "no change was begun"
