"""What a gateway process is called."""

import os
import socket


def process_name() -> str:
    """Host and process number."""
    return f"{socket.gethostname()}:{os.getpid()}"
