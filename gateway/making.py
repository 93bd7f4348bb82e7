"""How a connection to a back end was made: what is kept with it, for those who look at the calls over it."""

from dataclasses import dataclass


@dataclass(slots=True)
class Making:
    """The making of one connection. `at` is seconds since 1970; the moments are those of time.perf_counter, 0 for
    what it did not get to.

    `addresses` are those that the host has, `address` the one it was made to, `exchanges` how many requests
    were sent over it. `asked` is whether the back end asked for a client certificate, None if nobody looked.
    """

    at: float = 0.0
    began: float = 0.0
    resolved: float = 0.0
    connected: float = 0.0
    secured: float = 0.0
    addresses: tuple[str, ...] = ()
    address: str = ""
    exchanges: int = 0
    asked: bool | None = None
