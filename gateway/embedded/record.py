"""What is observed of one call: filled in while it goes on, and handed to observers when it is over."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class CallRecord:
    """One call. Nothing in it is secret: no query, no fields, no body.

    `at` is seconds since 1970, times are seconds, ids are those of the configuration, "" where the call did not get
    that far. `code` is the gateway's own answer (gateway.failures), "" if the back end answered; `failed_by` is who
    kept the call from its end: "gateway", "back end", "caller" or "" for nobody. `status` is 0 if nothing was
    answered. `thumbprint` is of the client certificate of the connection to the back end.
    """

    method: str = ""
    path: str = ""
    client: str = ""
    activity: str = field(default_factory=lambda: str(uuid.uuid4()))
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
    thumbprint: str = ""
    revision: int = -1


Observer = Callable[[CallRecord], None]
