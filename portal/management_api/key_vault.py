"""What lists say of a Key Vault, which is not supported: nothing comes from one, so no refresh can have failed."""

from portal.management_api.bodies import Schema
from portal.management_api.resource import Call

_NAME = "isKeyVaultRefreshFailed"
REFRESH_FAILED: Schema = {
    _NAME: {
        "type": "boolean",
        "description": "Of a list: true asks for those whose refresh from a Key Vault failed: there are none.",
    }
}


def asks_for_failed(call: Call) -> bool:
    """Whether a list is to have those alone whose refresh failed."""
    return call.query(_NAME).lower() == "true"
