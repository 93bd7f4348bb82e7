"""Subscriptions, and limits of APIs.

An API that is there already goes on asking for no key, so that an upgrade locks no caller out (its Summary says
so); new ones ask for one.
"""

import uuid

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0002_first_rows"),
    ]

    operations = [
        migrations.AddField(
            model_name="api",
            name="connect_timeout",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="api",
            name="max_body_bytes",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="api",
            name="max_calls",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="api",
            name="read_timeout",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="api",
            name="subscription_required",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="api",
            name="subscription_required",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="api",
            name="total_timeout",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "key",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("revision", models.BigIntegerField(db_index=True)),
                (
                    "resource_id",
                    models.CharField(
                        max_length=80,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^(?!.*\\{\\{)[^/\\\\%'\\\"\\x00-\\x1f\\x7f]{1,80}\\Z",
                                "Use 1 to 80 characters without slashes, percent signs, quotes, {{ or control characters.",
                                code="invalid_id",
                            )
                        ],
                        verbose_name="id",
                    ),
                ),
                ("display_name", models.CharField(max_length=100)),
                ("owner", models.CharField(blank=True, max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("suspended", "Suspended"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("allow_tracing", models.BooleanField(default=False)),
                ("sealed_primary_key", models.TextField()),
                ("sealed_secondary_key", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "api",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscriptions",
                        to="gateway.api",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("resource_id"), name="subscription_id_unique"
                    )
                ],
            },
        ),
    ]
