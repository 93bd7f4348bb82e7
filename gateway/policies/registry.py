"""Which statements there are: one for each module of gateway/policies/statements/.

Adding a statement is adding a file there. The original's statements that are not here are named, so that an
author who knows them is told that they are not supported, and not that they do not exist.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from gateway.policies import statements
from gateway.policies.statement import Statement


def _found() -> Iterator[type[Statement]]:
    for info in iter_modules(statements.__path__):
        module = import_module(f"{statements.__name__}.{info.name}")
        for value in vars(module).values():
            own = isinstance(value, type) and value.__module__ == module.__name__
            if own and issubclass(value, Statement):
                yield value


STATEMENTS: Mapping[str, type[Statement]] = MappingProxyType({kind.element: kind for kind in _found()})

_ORIGINALS = """
    authentication-managed-identity azure-openai-emit-token-metric azure-openai-semantic-cache-lookup
    azure-openai-semantic-cache-store azure-openai-token-limit cache-lookup cache-lookup-value
    cache-remove-value cache-store cache-store-value check-header choose cors cosmosdb-data-source
    cross-domain emit-metric find-and-replace get-authorization-context http-data-source
    include-fragment invoke-dapr-binding invoke-request ip-filter json-to-xml jsonp limit-concurrency
    llm-content-safety llm-emit-token-metric llm-semantic-cache-lookup llm-semantic-cache-store
    llm-token-limit log-to-eventhub mock-response proxy publish-event publish-to-dapr quota quota-by-key
    rate-limit rate-limit-by-key redirect-content-urls retry return-response send-one-way-request
    send-request send-service-bus-message set-backend-service set-body set-graphql-resolver set-header
    set-method set-query-parameter set-status set-variable sql-data-source trace validate-azure-ad-token
    validate-client-certificate validate-content validate-graphql-request validate-headers validate-jwt
    validate-odata-request validate-parameters validate-status-code wait xml-to-json xsl-transform
"""
NOT_SUPPORTED = frozenset(_ORIGINALS.split()) - STATEMENTS.keys()
