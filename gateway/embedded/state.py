"""What the engine runs, made of a snapshot: what changed is worked out, the rest is taken over.

An API is worked out anew when it, one of its operations, or a part that they refer to changed, and of its
operations only those that this concerns. Everything else is shared with the state before, object by object.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.addresses import WebServiceUrl
from gateway.embedded.keys import KeyRing
from gateway.embedded.plans import Plan, Planner
from gateway.embedded.routing import Entry, Operations, Router
from gateway.outbound import Destination, Origin
from gateway.snapshot import BackEnd, Operation, Snapshot
from gateway.snapshot_difference import Difference, between, patched
from gateway.url_templates import normalise
from gateway.verification import BackEnds, url_of

# A part of a snapshot, a suffix, or the origin of a back end: what it is and its key.
_Need = tuple[str, str]
_Entries = Mapping[str, Entry[Plan] | None]


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """An API as it is served: its operations by key (None is one that cannot be matched), and for routing.

    `destinations` are where its calls may go, `called` the URLs there (origin and path), each with the back end
    that is around it.
    """

    entries: _Entries
    operations: Operations[Plan]
    destinations: tuple[Destination, ...]
    called: Mapping[tuple[Origin, str], BackEnd | None]


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the engine runs: immutable, and swapped whole. A call keeps the one that it began with.

    `affected` are the keys of the APIs that are not served as in the state before. `users` has the keys of the APIs
    that are made of a part.
    """

    snapshot: Snapshot
    router: Router[Plan] = field(default_factory=Router)
    apis: Mapping[str, Served] = field(default_factory=dict)
    keys: KeyRing = field(default_factory=KeyRing)
    users: Mapping[_Need, tuple[str, ...]] = field(default_factory=dict)
    affected: frozenset[str] = frozenset()
    back_ends: BackEnds = field(default_factory=BackEnds)

    @property
    def revision(self) -> int:
        return self.snapshot.revision

    def destinations(self, apis: Iterable[str]) -> Iterator[Destination]:
        """Where calls to some APIs may go, those of each API once; an API that is not there has none."""
        for key in apis:
            if key in self.apis:
                yield from self.apis[key].destinations

    def expiries(self) -> dict[tuple[str, str], datetime]:
        """When the client certificates that are presented expire, by certificate and API."""
        presented = (
            (destination.certificate, self.snapshot.apis[key])
            for key, served in self.apis.items()
            for destination in served.destinations
        )
        return {(shown.id, api.id): shown.not_after for shown, api in presented if shown}


NOTHING = State(Snapshot(revision=-1))


def build(snapshot: Snapshot, previous: State = NOTHING, difference: Difference | None = None) -> State:
    """Work out a state.

    `difference` is what the snapshot differs by from that of the previous state; without it all parts are compared.
    """
    if difference is None or (difference.since, difference.revision) != (
        previous.revision,
        snapshot.revision,
    ):
        difference = between(previous.snapshot, snapshot)
    return _Step(snapshot, previous, difference).state()


class _Step:
    """From one state to the next."""

    def __init__(self, snapshot: Snapshot, previous: State, difference: Difference) -> None:
        self._snapshot = snapshot
        self._previous = previous
        self._difference = difference
        kinds = ("trusts", "policies", "certificates")
        self._changed = {(kind, key) for kind in kinds for key in getattr(difference, kind)}
        changed = snapshot.back_ends is not previous.snapshot.back_ends
        self._back_ends = BackEnds(snapshot.back_ends.values()) if changed else previous.back_ends
        self._new_operations = defaultdict[str, list[Operation]](list)
        for operation in difference.operations.parts.values():
            self._new_operations[operation.api].append(operation)

    def state(self) -> State:
        affected = self._affected()
        there = {key: self._served(key) for key in affected if key in self._snapshot.apis}
        apis = patched(self._previous.apis, there, affected - there.keys())
        users = self._users(affected, apis)
        router = self._router(affected, apis, users)
        return State(self._snapshot, router, apis, self._keys(), users, frozenset(affected), self._back_ends)

    def _origins_of_changed_back_ends(self) -> Iterator[str]:
        """Where they are now and where they were before."""
        changed = self._difference.back_ends
        before = self._previous.snapshot.back_ends
        parts = (*changed.parts.values(), *(before[key] for key in changed if key in before))
        yield from (url.origin for url in map(url_of, parts) if url)

    def _affected(self) -> set[str]:
        """The APIs that are made of something that changed."""
        affected = set(self._difference.apis)
        for key in self._difference.operations:
            for snapshot in (self._previous.snapshot, self._snapshot):
                if key in snapshot.operations:
                    affected.add(snapshot.operations[key].api)
        for need in self._changed:
            affected.update(self._previous.users.get(need, ()))
        affected.update(self._of_another_back_end())
        return affected

    def _of_another_back_end(self) -> Iterator[str]:
        """The APIs that call a URL around which there is another back end than before, or none any more."""
        for origin in set(self._origins_of_changed_back_ends()):
            for api in self._previous.users.get(("origin", origin), ()):
                called = self._previous.apis[api].called.items()
                if any(self._around(*url) is not back_end for url, back_end in called):
                    yield api

    def _around(self, origin: Origin, path: str) -> BackEnd | None:
        return self._back_ends.around(WebServiceUrl(*origin, path))

    def _served(self, api: str) -> Served:
        planner = Planner(self._snapshot, self._snapshot.apis[api], self._back_ends)
        known = self._known(api)
        entries = dict(self._kept(api, known))
        for operation in self._operations(api, known):
            if operation.key not in entries:
                entries[operation.key] = planner.entry(operation, known.get(operation.key))
        found = [entry for entry in entries.values() if entry]
        plans = [entry.plan for entry in found]
        destinations = {plan.destination.key: plan.destination for plan in plans if plan.destination}
        called = {(plan.destination.origin, plan.base): plan.back_end for plan in plans if plan.destination}
        return Served(entries, Operations(found), tuple(destinations.values()), called)

    def _known(self, api: str) -> _Entries:
        return self._previous.apis[api].entries if api in self._previous.apis else {}

    def _operations(self, api: str, known: _Entries) -> Iterator[Operation]:
        there = (self._snapshot.operations.get(key) for key in known)
        yield from (operation for operation in there if operation and operation.api == api)
        yield from self._new_operations[api]

    def _kept(self, api: str, known: _Entries) -> Iterator[tuple[str, Entry[Plan] | None]]:
        """The operations of an API for which nothing changed."""
        trust = self._snapshot.apis[api].trust
        if api in self._difference.apis.parts or ("trusts", trust) in self._changed:
            return
        policies: dict[str, bool] = {}
        for key, entry in known.items():
            operation = self._snapshot.operations.get(key)
            if operation is None or key in self._difference.operations.parts:
                continue
            if operation.policy not in policies:
                needs = _needs_of_policy(self._snapshot, operation.policy)
                policies[operation.policy] = self._changed.isdisjoint(needs)
            if policies[operation.policy] and self._has_its_back_end(entry):
                yield key, entry

    def _has_its_back_end(self, entry: Entry[Plan] | None) -> bool:
        """Whether the back end around the URL that an operation's calls go to is the one that it was."""
        plan = entry.plan if entry else None
        if plan is None or plan.destination is None:
            return True
        return self._around(plan.destination.origin, plan.base) is plan.back_end

    def _users(self, affected: Iterable[str], apis: Mapping[str, Served]) -> Mapping[_Need, tuple[str, ...]]:
        edits: dict[_Need, set[str]] = {}
        previous = self._previous
        for key in affected:
            before = set(_needs(previous.snapshot, key, previous.apis))
            after = set(_needs(self._snapshot, key, apis))
            for need in before ^ after:
                if need not in edits:
                    edits[need] = set(previous.users.get(need, ()))
                edits[need] ^= {key}
        changed = {need: tuple(keys) for need, keys in edits.items()}
        return patched(previous.users, changed, [need for need, keys in changed.items() if not keys])

    def _router(
        self, affected: Iterable[str], apis: Mapping[str, Served], users: Mapping[_Need, tuple[str, ...]]
    ) -> Router[Plan]:
        snapshots = (self._previous.snapshot, self._snapshot)
        suffixes = {normalise(s.apis[key].suffix) for key in affected for s in snapshots if key in s.apis}
        changes: dict[str, Operations[Plan] | None] = {}
        for suffix in suffixes:
            # No two APIs have one suffix; if ever they did, every gateway would take the same one.
            holder = min(users.get(("suffix", suffix), ()), default=None)
            changes[suffix] = apis[holder].operations if holder else None
        return self._previous.router.replaced(changes)

    def _keys(self) -> KeyRing:
        changed, keys = self._difference.subscriptions, self._previous.keys
        return keys.changed(changed.parts.values(), changed.removed) if changed else keys


def _needs(snapshot: Snapshot, api: str, apis: Mapping[str, Served]) -> Iterator[_Need]:
    """The suffix of an API, and the parts beside it that its operations are made of."""
    if api not in apis:
        return
    yield "suffix", normalise(snapshot.apis[api].suffix)
    yield "trusts", snapshot.apis[api].trust
    for destination in apis[api].destinations:
        yield "origin", WebServiceUrl(*destination.origin, "").origin
    for policy in {snapshot.operations[key].policy for key in apis[api].entries}:
        yield from _needs_of_policy(snapshot, policy)


def _needs_of_policy(snapshot: Snapshot, policy: str) -> Iterator[_Need]:
    yield "policies", policy
    if (effective := snapshot.policies.get(policy)) is not None:
        yield from (("certificates", certificate) for certificate in effective.certificates)
