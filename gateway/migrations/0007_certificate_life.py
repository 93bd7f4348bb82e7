"""Signing requests, what is observed of certificates, notifications, and tests of connections."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import gateway.models.notifications


def create_notification_settings(apps, schema_editor):
    alias = schema_editor.connection.alias
    apps.get_model("gateway", "NotificationSettings").objects.using(alias).create(revision=1)


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0006_readable_tags"),
    ]

    operations = [
        migrations.CreateModel(
            name="ConnectionTest",
            fields=[
                (
                    "key",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("asked_at", models.DateTimeField(db_index=True)),
                ("order", models.JSONField()),
                ("gateway", models.CharField(blank=True, max_length=200)),
                ("report", models.JSONField(null=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="NotificationRun",
            fields=[
                (
                    "key",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("at", models.DateTimeField(db_index=True)),
                ("told", models.PositiveIntegerField()),
                ("problem", models.TextField(blank=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="NotificationSettings",
            fields=[
                (
                    "key",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("revision", models.BigIntegerField(db_index=True)),
                ("only", models.BooleanField(default=True, editable=False, unique=True)),
                ("recipients", models.JSONField(default=list)),
                ("thresholds", models.JSONField(default=gateway.models.notifications.default_thresholds)),
            ],
            options={
                "verbose_name": "notification settings",
                "verbose_name_plural": "notification settings",
            },
        ),
        migrations.AddField(
            model_name="backendtrust",
            name="probe_after_save",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="backendtrust",
            name="refuse_expired",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="ExpiryNotice",
            fields=[
                (
                    "key",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("thumbprint", models.CharField(max_length=40)),
                ("days", models.PositiveIntegerField()),
                ("claimed_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("missed", models.JSONField(default=list)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("thumbprint", "days"), name="expiry_notice_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="Presentation",
            fields=[
                (
                    "key",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("thumbprint", models.CharField(max_length=40)),
                ("api", models.CharField(max_length=80)),
                ("back_end", models.CharField(max_length=300)),
                ("last_at", models.DateTimeField()),
                ("expired_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("thumbprint", "api", "back_end"), name="presentation_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SigningRequest",
            fields=[
                (
                    "key",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("revision", models.BigIntegerField(db_index=True)),
                ("name", models.CharField(max_length=80)),
                ("subject", models.TextField()),
                ("names", models.TextField(blank=True)),
                ("key_type", models.CharField(max_length=40)),
                ("public_key_sha256", models.CharField(max_length=64, unique=True)),
                ("csr_pem", models.TextField()),
                ("sealed_private_key", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=200)),
                (
                    "certificate",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="signing_requests",
                        to="gateway.certificate",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="HeldConnections",
            fields=[
                (
                    "key",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("thumbprint", models.CharField(max_length=40)),
                ("connections", models.PositiveIntegerField()),
                (
                    "lease",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="held",
                        to="gateway.gatewaylease",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "held connections",
                "constraints": [
                    models.UniqueConstraint(fields=("lease", "thumbprint"), name="held_connections_unique")
                ],
            },
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="object_key",
            field=models.UUIDField(db_index=True, null=True),
        ),
        migrations.RunPython(create_notification_settings, migrations.RunPython.noop),
    ]
