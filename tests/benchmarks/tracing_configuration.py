"""Writes the configuration of tests.benchmarks.tracing: that of the gateway's, and a key that may trace."""

import sys
from pathlib import Path

from tests.benchmarks.configuration import configure
from tests.benchmarks.tracing import TRACING_KEY
from tests.builders import make_subscription

if __name__ == "__main__":
    configure(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
    make_subscription("Traced", primary_key=TRACING_KEY, allow_tracing=True)
