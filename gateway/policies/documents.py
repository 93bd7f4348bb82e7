"""The texts that policy documents begin with."""

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

GLOBAL_DOCUMENT = """\
<!--
    What happens to every call of every API, unless the policy of an API or an operation leaves out <base />.

    inbound    runs before the call goes to the back end
    backend    sends it there: without forward-request nothing is forwarded
    outbound   runs on the way back to the caller
    on-error   runs when something went wrong
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
