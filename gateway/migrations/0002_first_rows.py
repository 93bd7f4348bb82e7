"""The revision row, and the policy of All APIs."""

import uuid

from django.db import migrations

GLOBAL_DOCUMENT = """\
<!--
    The policy of All APIs. What stands here happens to every call, unless the policy of an API or of an
    operation leaves out <base />.
    - inbound: from the caller on the way to the back end.
    - backend: how the call is forwarded; without forward-request nothing is.
    - outbound: from the back end on the way to the caller.
-->
<policies>
    <inbound />
    <backend>
        <forward-request />
    </backend>
    <outbound />
    <on-error />
</policies>
"""


def create_first_rows(apps, schema_editor):
    alias = schema_editor.connection.alias
    apps.get_model("gateway", "Revision").objects.using(alias).create(pk=1, number=1)
    apps.get_model("gateway", "PolicyDocument").objects.using(alias).create(
        key=uuid.uuid4(), revision=1, xml=GLOBAL_DOCUMENT
    )


class Migration(migrations.Migration):
    dependencies = [("gateway", "0001_initial")]

    operations = [migrations.RunPython(create_first_rows, migrations.RunPython.noop)]
