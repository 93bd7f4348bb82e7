"""What the engine takes from Django's settings."""

from ipaddress import ip_network

from django.conf import settings

from gateway.addresses import AddressRules
from gateway.embedded.asgi import EngineSettings


def engine_settings() -> EngineSettings:
    """What the engine takes from the settings GATEWAY_*."""
    behind_tls = (
        settings.GATEWAY_PUBLIC_URL.lower().startswith("https:") and not settings.GATEWAY_TLS_CERTIFICATE
    )
    # A browser sends the portal's cookies to every port of its host.
    cookies = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
    return EngineSettings(
        rules=AddressRules.from_settings(settings.GATEWAY_ALLOWED_BACK_END_NETWORKS),
        exchange_threads=settings.GATEWAY_EXCHANGE_THREADS,
        connect_timeout=settings.GATEWAY_CONNECT_TIMEOUT,
        read_timeout=settings.GATEWAY_READ_TIMEOUT,
        total_timeout=settings.GATEWAY_TOTAL_TIMEOUT,
        patience=settings.GATEWAY_BODY_SECONDS,
        max_head_bytes=settings.GATEWAY_MAX_HEAD_BYTES,
        max_body_bytes=settings.GATEWAY_MAX_BODY_BYTES,
        max_calls=settings.GATEWAY_MAX_CALLS,
        max_calls_per_api=settings.GATEWAY_MAX_CALLS_PER_API,
        plain_scheme="https" if behind_tls else "http",
        trusted_proxies=tuple(ip_network(text, strict=False) for text in settings.GATEWAY_TRUSTED_PROXIES),
        drops_underscores=settings.GATEWAY_UNDERSCORES == "drop",
        private_cookies=frozenset(name.encode() for name in cookies),
    )
