"""Uploads stay in memory, and no more of them than anybody can use."""

from django.core.files.uploadhandler import MemoryFileUploadHandler

KEPT_BYTES = 2_000_000  # more than any form accepts: what is cut off here is refused there, beside its field


class BoundedMemoryHandler(MemoryFileUploadHandler):
    """Keeps the beginning of every file in memory, and its true size in `size`.

    Django's own handler drops a file that comes in a large request, and the form would say that none was chosen.
    Nothing is ever written to a disk: a file may hold a private key.
    """

    activated: bool

    def handle_raw_input(self, *args: object, **kwargs: object) -> None:
        """Take every file, however large the request."""
        self.activated = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Keep the chunk as long as there is room."""
        self.file.write(raw_data[: max(0, KEPT_BYTES - start)])
        return None
