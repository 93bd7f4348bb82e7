"""The configuration that a gateway must run to be judged by this suite: one Snapshot and a few settings.

python -m tests.conformance.configuration --back-end-port 21000 --keys folder    prints it as JSON, for any engine
                                                                                (gateway.snapshot_codec)

The suite's back end then listens at that port and those behind it, one for each of LISTENERS (apis.py). The gateway
must also run with what SETTINGS says.
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path

from gateway.snapshot import (
    Api,
    AuthenticationCertificate,
    CertificateMaterial,
    EffectivePolicy,
    Operation,
    Snapshot,
    Statement,
    Trust,
)
from gateway.snapshot_codec import encode
from tests.conformance.apis import APIS, KEYS, LISTENERS, Described, Op
from tests.conformance.credentials import Credentials, credentials
from tests.snapshots import HERE, material, merged, subscription

# A caller of this address is a proxy in front of the gateway; any other is a stranger.
TRUSTED_PROXY = "127.0.0.9"
MAX_CALLS = 120
BODY_SECONDS = 2
HEAD_BYTES = 65536
HEAD_SECONDS = 20

# What is no part of a snapshot (see README.md). Few threads and short times make what is missing show at once.
SETTINGS = {
    "GATEWAY_ALLOWED_BACK_END_NETWORKS": "127.0.0.0/8,::1/128",
    "GATEWAY_TRUSTED_PROXIES": f"{TRUSTED_PROXY}/32",
    "GATEWAY_EXCHANGE_THREADS": "4",
    "GATEWAY_MAX_CALLS": str(MAX_CALLS),
    "GATEWAY_BODY_SECONDS": str(BODY_SECONDS),
    "GATEWAY_CONNECT_TIMEOUT": "5",
    "GATEWAY_READ_TIMEOUT": "15",
    "GATEWAY_MAX_HEAD_BYTES": str(HEAD_BYTES),
}


def configuration(back_end_port: int, issued: Credentials) -> Snapshot:
    """The snapshot for a back end at a port and the ones behind it."""
    ports = {name: back_end_port + place for place, name in enumerate(LISTENERS)}
    first, *others = (_api(suffix, described, ports, issued) for suffix, described in APIS.items())
    keys = [subscription(key, api="" if name == "all" else _API_OF_KEY[name]) for name, key in KEYS.items()]
    return replace(merged(first, *others), subscriptions={each.key: each for each in keys})


_API_OF_KEY = {"keyed": "keyed", "sibling": "keyed/sibling"}


def _api(suffix: str, described: Described, ports: dict[str, int], issued: Credentials) -> Snapshot:
    key = suffix or "root"
    certificate = _certificate(key, described, issued)
    presented = (AuthenticationCertificate(f"{key} certificate", HERE),) if described.certificate else ()
    inbound = (*presented, *described.inbound)
    operations = {f"{key} {op.method} {op.template}": op for op in described.operations}
    return Snapshot(
        1,
        certificates={certificate.key: certificate} if certificate else {},
        trusts={key: _trust(key, described, issued)},
        apis={key: _row(key, suffix, described, ports)},
        operations={name: _operation(name, key, op) for name, op in operations.items()},
        policies={key: _policy(key, inbound, described)}
        | {
            name: _policy(name, (*inbound, *op.statements), described)
            for name, op in operations.items()
            if op.statements
        },
    )


def _row(key: str, suffix: str, described: Described, ports: dict[str, int]) -> Api:
    scheme = "http" if described.listener == "plain" else "https"
    url = described.url or f"{scheme}://localhost:{{port}}{described.path}"
    url = url.format(port=ports[described.listener])
    values = {"subscription_required": False, **described.values}
    return Api(key, 1, key.replace("/", "-"), key, suffix, url, described.schemes, key, key, **values)


def _operation(name: str, api: str, op: Op) -> Operation:
    policy = name if op.statements else api
    return Operation(name, 1, api, name.replace("/", "-"), name, op.method, op.template, policy)


def _policy(key: str, inbound: tuple[Statement, ...], described: Described) -> EffectivePolicy:
    return EffectivePolicy(key, 1, inbound, described.backend, problem=described.policy_problem)


def _trust(key: str, described: Described, issued: Credentials) -> Trust:
    values = {
        "validate_chain": True,
        "validate_name": True,
        "public_cas": False,
        "authorities_pem": tuple(issued[name].pem for name in described.authorities),
    }
    return Trust(key, 1, **{**values, **described.trust})


def _certificate(key: str, described: Described, issued: Credentials) -> CertificateMaterial | None:
    if described.certificate not in issued:
        return None
    values = dict(described.material)
    if isinstance(other := values.get("private_key"), str):
        values["private_key"] = material(issued[other]).private_key
    return material(issued[described.certificate], f"{key} certificate", **values)


def _documented(back_end_port: int, issued: Credentials) -> Snapshot:
    """The part that comes of documents, by way of a database of its own."""
    import django
    from django.db import connection

    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from tests.conformance.documents import documented

    connection.creation.create_test_db(verbosity=0)
    try:
        return documented(back_end_port, issued)
    finally:
        connection.creation.destroy_test_db(":memory:", verbosity=0)


def main() -> None:
    """Print the snapshot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--back-end-port", type=int, required=True)
    parser.add_argument("--keys", type=Path, required=True, help="folder of the keys; filled if it is empty")
    options = parser.parse_args()
    issued, port = credentials(options.keys), options.back_end_port
    print(encode(merged(configuration(port, issued), _documented(port, issued))))


if __name__ == "__main__":
    main()
