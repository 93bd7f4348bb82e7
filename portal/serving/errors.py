"""Why servers could not be started or kept."""


class ServingError(Exception):
    """A server cannot start or has stopped. The message is for the person at the terminal."""
