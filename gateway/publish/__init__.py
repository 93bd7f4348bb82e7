from gateway.publish.one_api import around
from gateway.publish.parts import GLOBAL, fingerprint, material
from gateway.publish.reading import current_revision, load, read_difference

__all__ = ["GLOBAL", "around", "current_revision", "fingerprint", "load", "material", "read_difference"]
