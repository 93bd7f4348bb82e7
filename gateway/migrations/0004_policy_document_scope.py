"""An index by scope, in which the policy of All APIs is found without looking at those of APIs."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0003_subscriptions"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="policydocument",
            index=models.Index(fields=["api", "operation"], name="policy_document_scope"),
        ),
    ]
