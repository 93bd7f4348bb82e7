"""The texts that policy documents begin with: one of an API or operation, and that of All APIs."""

NEW_DOCUMENT = """\
<policies>
    <inbound>
        <base />
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>
"""

# As the first migration wrote it
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
