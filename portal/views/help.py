"""Help: the guide in short, with links."""

from typing import Any

from portal.navigation import url_or_none
from portal.views.base import Page

_LINKED = ("certificates", "apis", "subscriptions", "policies", "properties", "dashboard", "notifications")


class Help(Page):
    """What the portal is for, and the steps from a certificate to a call."""

    title = "Help"
    template_name = "portal/help/help.html"

    def context(self) -> dict[str, Any]:
        """The addresses of the pages that the guide names, None for those that do not exist."""
        links = {name: url_or_none(name) for name in _LINKED}
        links["management_api"] = url_or_none("management-api")
        return super().context() | {"links": links}
