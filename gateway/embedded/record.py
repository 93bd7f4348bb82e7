"""What is observed of one call: filled in while it goes on, and handed to observers when it is over."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field


def new_activity() -> str:
    """An id for a call, in the form of a random UUID (RFC 9562, 5.4). It names and protects nothing, so it is made
    the quick way."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


@dataclass(slots=True)
class CallRecord:
    """One call. Nothing in it is secret: no query, no fields, no body.

    `at` is seconds since 1970, times are seconds, ids are those of the configuration, "" where the call did not get
    that far. `code` is the gateway's own answer (gateway.failures), "" if the back end or a policy answered.
    `failed_by` is who kept the call from its end: "gateway", "back end", "caller", "policy" (whose own answer has a
    status of 500 or more) or "" for nobody. `status` is 0 if nothing was answered. `back_end` is host and port of
    the connection to the back end, `thumbprint` is of its client certificate; `expired_certificate` says that the
    one to be presented had expired, whether the call was then made or not.
    """

    method: str = ""
    path: str = ""
    client: str = ""
    activity: str = field(default_factory=new_activity)
    at: float = field(default_factory=time.time)
    started: float = field(default_factory=time.perf_counter)
    api: str = ""
    operation: str = ""
    subscription: str = ""
    status: int = 0
    code: str = ""
    failed_by: str = ""
    received: int = 0
    sent: int = 0
    seconds: float = 0.0
    back_end_seconds: float = 0.0
    connected: bool = False
    reused: bool = False
    back_end: str = ""
    thumbprint: str = ""
    expired_certificate: bool = False
    revision: int = -1


Observer = Callable[[CallRecord], None]
