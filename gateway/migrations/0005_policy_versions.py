"""Versions of policy documents, the first of each being what is there; and tags of named values."""

import uuid

import django.db.models.deletion
from django.db import migrations, models
from django.utils import timezone


def create_first_versions(apps, schema_editor):
    alias = schema_editor.connection.alias
    now = timezone.now()
    versions = apps.get_model("gateway", "PolicyVersion").objects.using(alias)
    for document in apps.get_model("gateway", "PolicyDocument").objects.using(alias).iterator():
        versions.create(
            key=uuid.uuid4(),
            api_id=document.api_id,
            operation_id=document.operation_id,
            revision=document.revision,
            at=now,
            actor_kind="command",
            actor_name="migrate",
            action="saved",
            xml=document.xml,
        )


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0004_policy_document_scope"),
    ]

    operations = [
        migrations.AddField(
            model_name="namedvalue",
            name="tags",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                (
                    "key",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("revision", models.BigIntegerField(db_index=True)),
                ("at", models.DateTimeField()),
                ("actor_kind", models.CharField(max_length=20)),
                ("actor_name", models.CharField(max_length=200)),
                ("action", models.CharField(max_length=40)),
                ("xml", models.TextField(blank=True)),
                (
                    "api",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="policy_versions",
                        to="gateway.api",
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="policy_versions",
                        to="gateway.operation",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["api", "operation", "revision"], name="policy_version_scope")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("api", None), ("operation", None), _connector="OR"),
                        name="policy_version_one_scope",
                    )
                ],
            },
        ),
        migrations.RunPython(create_first_versions, migrations.RunPython.noop),
    ]
