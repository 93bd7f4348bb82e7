"""Tags are kept as text that both databases can search."""

from django.db import migrations, models

import gateway.models.named_values


class Migration(migrations.Migration):
    dependencies = [("gateway", "0005_policy_versions")]

    operations = [
        migrations.AlterField(
            model_name="namedvalue",
            name="tags",
            field=models.JSONField(blank=True, default=list, encoder=gateway.models.named_values.Readable),
        ),
    ]
