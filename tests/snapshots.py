"""Snapshots made by hand, for tests of engines: an API called "bank" in front of one back end."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.snapshot import (
    Api,
    AuthenticationCertificate,
    CertificateMaterial,
    EffectivePolicy,
    ForwardRequest,
    Operation,
    Origin,
    Secret,
    Snapshot,
    Statement,
    Subscription,
    Trust,
)
from tests.pki import Issued

HERE = Origin("api", 1)
FORWARD = ForwardRequest(None, HERE)
ANY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def material(issued: Issued, key: str = "certificate", **values: Any) -> CertificateMaterial:
    """The part of a snapshot for a certificate."""
    return CertificateMaterial(
        **{
            "key": key,
            "revision": 1,
            "id": key,
            "version": f"{key}-1",
            "subject": issued.cert.subject.rfc4514_string(),
            "thumbprint": issued.thumbprint,
            "fingerprint": issued.cert.fingerprint(hashes.SHA256()).hex(),
            "not_before": issued.cert.not_valid_before_utc.astimezone(UTC),
            "not_after": issued.cert.not_valid_after_utc.astimezone(UTC),
            "chain_pem": issued.chain_pem or issued.pem,
            "private_key": Secret(
                issued.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
            ),
            **values,
        }
    )


def trust(*authorities: Issued, **values: Any) -> Trust:
    """A trust in some authorities; nothing public."""
    pems = tuple(authority.pem for authority in authorities)
    defaults = {"validate_chain": True, "validate_name": True, "public_cas": False, "authorities_pem": pems}
    return Trust("bank", 1, **{**defaults, **values})


def snapshot(
    url: str,
    *,
    certificate: CertificateMaterial | None = None,
    trusts: Trust | None = None,
    operations: tuple[tuple[str, str], ...] = tuple((method, "/*") for method in ANY_METHOD),
    inbound: tuple[Statement, ...] = (),
    backend: tuple[Statement, ...] = (FORWARD,),
    revision: int = 1,
    suffix: str = "bank",
    schemes: frozenset[str] = frozenset(("http", "https")),
    subscriptions: tuple[Subscription, ...] = (),
    settings: Mapping[str, Any] = MappingProxyType({}),
    **policy: Any,
) -> Snapshot:
    """One API whose every operation runs under one policy, which presents `certificate` if there is one.

    It asks for a key if there are subscriptions; `settings` are more values of the API, such as its limits.
    """
    presented = (AuthenticationCertificate(certificate.key, HERE),) if certificate else ()
    api = Api(
        "bank",
        revision,
        "bank",
        "Bank",
        suffix,
        url,
        schemes,
        "bank",
        "bank",
        bool(subscriptions),
        **settings,
    )
    return Snapshot(
        revision,
        certificates={certificate.key: certificate} if certificate else {},
        trusts={"bank": trusts or trust()},
        apis={"bank": api},
        operations={
            f"{method} {template}": Operation(
                f"{method} {template}", revision, "bank", method.lower(), method, method, template, "bank"
            )
            for method, template in operations
        },
        policies={"bank": EffectivePolicy("bank", revision, (*presented, *inbound), backend, **policy)},
        subscriptions={each.key: each for each in subscriptions},
    )


def subscription(primary: str, secondary: str = "", api: str = "bank", **values: Any) -> Subscription:
    """An active subscription to the API, or with api="" to all."""
    keys = (Secret(primary.encode()), Secret((secondary or f"{primary}-secondary").encode()))
    return Subscription(
        **{
            "key": f"subscription {primary}",
            "revision": 1,
            "id": primary,
            "api": api,
            "primary_key": keys[0],
            "secondary_key": keys[1],
            **values,
        }
    )


def merged(first: Snapshot, *others: Snapshot) -> Snapshot:
    """All parts of several snapshots; their keys must differ."""
    names = ("certificates", "trusts", "apis", "operations", "policies", "subscriptions", "back_ends")
    return replace(
        first,
        **{
            name: {**getattr(first, name), **{k: v for o in others for k, v in getattr(o, name).items()}}
            for name in names
        },
    )
