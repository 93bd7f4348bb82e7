"""Records: what is observed rather than configured. Written by gateway.records only."""

from django.db import models

from gateway.models.base import Row


class GatewayLease(Row):
    """A running gateway process: renewed every 2 s, gone after 6. `revision` is the one that it runs."""

    name = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    renewed_at = models.DateTimeField(db_index=True)
    revision = models.BigIntegerField()
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Presentation(Row):
    """That calls presented a client certificate to a back end: the last one, by the gateway's clock.

    `thumbprint` is that of a version, `back_end` is host:port, `api` the id of the API. `expired_at` is the last
    call that presented it after its expiry, None if there was none.
    """

    thumbprint = models.CharField(max_length=40)
    api = models.CharField(max_length=80)
    back_end = models.CharField(max_length=300)
    last_at = models.DateTimeField()
    expired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["thumbprint", "api", "back_end"], name="presentation_unique")
        ]

    def __str__(self) -> str:
        return f"{self.thumbprint} to {self.back_end}"


class HeldConnections(Row):
    """How many connections to back ends a gateway process holds that were made with a client certificate."""

    lease = models.ForeignKey(GatewayLease, on_delete=models.CASCADE, related_name="held")
    thumbprint = models.CharField(max_length=40)
    connections = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "held connections"
        constraints = [
            models.UniqueConstraint(fields=["lease", "thumbprint"], name="held_connections_unique")
        ]

    def __str__(self) -> str:
        return f"{self.connections} connections with {self.thumbprint}"


class ExpiryNotice(Row):
    """That people were told of a certificate's expiry: once for each threshold of days before it.

    `thumbprint` is that of a version or of a CA certificate. `sent_at` is None while it is on its way; what is on
    its way for long was missed, and is sent again. `missed` are the addresses that may take it at another time; it
    is on its way to them while it is claimed again.
    """

    thumbprint = models.CharField(max_length=40)
    days = models.PositiveIntegerField()
    claimed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    missed = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["thumbprint", "days"], name="expiry_notice_unique")]

    def __str__(self) -> str:
        return f"{self.thumbprint}, {self.days} days"


class NotificationRun(Row):
    """A run that looked for certificates to tell of: when, how many it told of, and what went wrong."""

    at = models.DateTimeField(db_index=True)
    told = models.PositiveIntegerField()
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} UTC"


class ConnectionTest(Row):
    """A test of the connection to a back end that a gateway process is asked to make, and its report.

    `order` says what to try, by keys and without secrets (see gateway.connection_tests); `report` is empty until
    the process `gateway` has made it.
    """

    asked_at = models.DateTimeField(db_index=True)
    order = models.JSONField()
    gateway = models.CharField(max_length=200, blank=True)
    report = models.JSONField(null=True)

    def __str__(self) -> str:
        return f"connection test of {self.asked_at:%Y-%m-%d %H:%M:%S} UTC"


class Trace(Row):
    """What one call went through, step by step, for whoever has its address, which holds the key.

    `api` is the id of the API; `content` the document of gateway.tracing, without secrets.
    """

    at = models.DateTimeField(db_index=True)
    api = models.CharField(max_length=80)
    content = models.JSONField()

    def __str__(self) -> str:
        return f"trace of a call of {self.api}, {self.at:%Y-%m-%d %H:%M:%S} UTC"
