"""The subscription keys of a snapshot, ready to be looked up.

A key is found by its HMAC under a key that is random for each process, so that neither the time of a look-up nor
what is in memory as an index tells anything of a key.
"""

import hmac
import os
from collections.abc import Iterable

from gateway.snapshot import Subscription

_SECRET = os.urandom(32)


def _digest(key: bytes) -> bytes:
    return hmac.digest(_SECRET, key, "sha256")


class KeyRing:
    """Which subscriptions have a key. Immutable; `changed` makes another one."""

    __slots__ = ("_digests", "_holders")

    def __init__(self) -> None:
        self._holders: dict[bytes, tuple[Subscription, ...]] = {}
        self._digests: dict[str, tuple[Subscription, tuple[bytes, ...]]] = {}

    def find(self, key: bytes, api: str) -> Subscription | None:
        """The active subscription to an API (by its key in the snapshot), or to all, that has this key."""
        for subscription in self._holders.get(_digest(key), ()):
            if subscription.api in ("", api):
                return subscription
        return None

    def changed(self, new: Iterable[Subscription], gone: Iterable[str]) -> "KeyRing":
        """Another ring: `new` are the parts that were added or changed, `gone` the keys of those that went."""
        ring = KeyRing()
        ring._holders, ring._digests = self._holders.copy(), self._digests.copy()
        for key in gone:
            ring._remove(key)
        for subscription in new:
            ring._remove(subscription.key)
            ring._add(subscription)
        return ring

    def _add(self, subscription: Subscription) -> None:
        secrets = (subscription.primary_key, subscription.secondary_key)
        digests = tuple({_digest(secret.reveal()) for secret in secrets if secret is not None})
        self._digests[subscription.key] = (subscription, digests)
        for digest in digests:
            self._holders[digest] = (*self._holders.get(digest, ()), subscription)

    def _remove(self, key: str) -> None:
        known, digests = self._digests.pop(key, (None, ()))
        for digest in digests:
            left = tuple(each for each in self._holders[digest] if each is not known)
            if left:
                self._holders[digest] = left
            else:
                del self._holders[digest]
