"""What runs in the processes of a race: `python -m tests.race <what> <rounds>` prints one outcome a round, as JSON.

Rounds start together: each process waits for the same moment of the clock.
"""

import json
import sys
import time

import django

django.setup()

from gateway.changes.apis import create_api, update_api  # noqa: E402
from gateway.changes.base import Actor, change  # noqa: E402
from gateway.changes.certificates import delete_certificate  # noqa: E402
from gateway.changes.named_values import delete_named_value  # noqa: E402
from gateway.changes.policies import save_document, save_policy  # noqa: E402
from gateway.changes.security import CertificateCredentials, Trust, save_security  # noqa: E402
from gateway.errors import ChangeError  # noqa: E402
from gateway.models import Api, Certificate, NamedValue  # noqa: E402

ME = Actor("command", "race")


def assign(number: int) -> None:
    certificate = Certificate.objects.get(resource_id=f"certificate-{number}")
    api = Api.objects.get(resource_id=f"api-{number}")
    save_security(ME, api.key, credentials=CertificateCredentials(certificate.key), trust=Trust())


def name(number: int) -> None:
    """Save a policy that names a certificate."""
    statement = f'<authentication-certificate certificate-id="certificate-{number}" />'
    api = Api.objects.get(resource_id=f"api-{number}")
    save_policy(ME, api, f"<policies><inbound><base />{statement}</inbound></policies>")


def save(number: int) -> None:
    """Save a policy as somebody who has seen none there."""
    api = Api.objects.get(resource_id=f"api-{number}")
    save_policy(ME, api, f"<policies><!-- {time.time_ns()} --></policies>", revision=0)


def delete(number: int) -> None:
    certificate = Certificate.objects.filter(resource_id=f"certificate-{number}").first()
    if certificate:
        delete_certificate(ME, certificate.key)


def use_value(number: int) -> None:
    """The API's document comes to refer to the named value."""
    statement = f'<forward-request timeout="{{{{value-{number}}}}}" />'
    with change(ME) as this:
        api = Api.objects.get(resource_id=f"api-{number}")
        save_document(this, api, f"<policies><backend>{statement}</backend></policies>")


def delete_value(number: int) -> None:
    delete_named_value(ME, NamedValue.objects.get(resource_id=f"value-{number}").key)


def create(number: int) -> None:
    create_api(
        ME,
        display_name=f"Race {number}",
        web_service_url="https://x.example",
        suffix=f"race-{number}",
        http=True,
        https=True,
    )


def update(number: int) -> None:
    api = Api.objects.get(resource_id=f"api-{number}")
    update_api(
        ME,
        api.key,
        revision=int(sys.argv[4]),
        display_name=api.display_name,
        description=f"{time.time_ns()}",
        web_service_url=api.web_service_url,
        suffix=api.suffix,
        http=True,
        https=True,
    )


def main() -> None:
    action = globals()[sys.argv[1]]
    rounds, start = int(sys.argv[2]), float(sys.argv[3])
    outcomes = []
    for number in range(rounds):
        time.sleep(max(0.0, start + number * 0.05 - time.time()))
        try:
            action(number)
            outcomes.append("done")
        except (ChangeError, Certificate.DoesNotExist) as error:
            outcomes.append(type(error).__name__)
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
