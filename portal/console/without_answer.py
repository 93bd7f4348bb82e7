"""Calls that no answer came to."""

from gateway.models import Api, Operation
from portal import places
from portal.console.case import Trouble
from portal.console.exchange import NotSent, Unanswered, Unsent
from portal.places import Where


def trouble(not_sent: NotSent, api: Api, operation: Operation | None) -> Trouble:
    """Why there is none, and where that is mended."""
    if isinstance(not_sent, Unsent):
        return Trouble("The call was not sent", str(not_sent))
    where = Where(api.resource_id, operation.resource_id if operation else "")
    if isinstance(not_sent, Unanswered):
        found = (places.read_timeout(where), places.total_timeout(where), places.web_service_url(where))
        todo = (
            "Look at the load of the back end. If the API's time for an answer is shorter, the gateway itself "
            "answers, and says what it waited for."
        )
        return Trouble("No answer came in time", str(not_sent), todo, tuple(filter(None, found)))
    link = places.dashboard(where)
    return Trouble("The gateway gave no answer", str(not_sent), links=(link,) if link else ())
