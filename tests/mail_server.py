"""A mail server on a real socket (RFC 5321), as far as tests need one: takes messages, or answers as it is told."""

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage


@dataclass
class MailServer:
    """`answers` replaces the answer to a command, by how its line begins; None is silence, "" hangs up."""

    port: int = 0
    answers: dict[str, str | None] = field(default_factory=dict)
    taken: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """As EMAIL_URL names it."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def recipients(self) -> list[str]:
        """Whose messages were taken."""
        return [address for recipients, _ in self.taken for address in recipients]

    def answer(self, line: str, usual: str) -> str | None:
        """What is answered to a line."""
        return next((text for start, text in self.answers.items() if line.startswith(start)), usual)


class _Session(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        self.recipients: list[str] = []
        goes_on = self.say("CONNECT", "220 test")
        while goes_on and (line := self.rfile.readline().decode().strip()):
            goes_on = self.obey(line)

    def obey(self, line: str) -> bool:
        """Answer a command; False ends the session."""
        word = line.split(":", maxsplit=1)[0].split(" ", maxsplit=1)[0].upper()
        if word == "EHLO":
            return self.say(line, "250-test\r\n250 AUTH PLAIN LOGIN")
        if word == "AUTH":
            return self.say(line, "235 welcome")
        if word == "RCPT":
            return self.to(line)
        if word == "DATA":
            return self.say(line, "354 go on") and self.data()
        return self.say(line, "221 bye" if word == "QUIT" else "250 fine") and word != "QUIT"

    def to(self, line: str) -> bool:
        answer = self.server.mail.answer(line, "250 fine")
        if answer == "250 fine":
            self.recipients.append(line.split("<")[1].split(">", maxsplit=1)[0])
        return self.say(line, "250 fine")

    def data(self) -> bool:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        answer = self.server.mail.answer("END", "250 taken")
        if answer == "250 taken":
            message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
            self.server.mail.taken.append((self.recipients, message))
        self.recipients = []
        return self.say("END", "250 taken")

    def say(self, line: str, usual: str) -> bool:
        answer = self.server.mail.answer(line, usual)
        if answer is None:
            self.server.mail.stopping.wait(10)
        if not answer:
            return False
        self.wfile.write(f"{answer}\r\n".encode())
        return True


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def __init__(self, mail: MailServer) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mail = mail


@contextmanager
def mail_server(**answers: str | None) -> Iterator[MailServer]:
    """A running one. In the names of `answers` an underscore stands for a blank."""
    mail = MailServer(answers={name.replace("_", " "): answer for name, answer in answers.items()})
    with _Server(mail) as server:
        mail.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield mail
        finally:
            mail.stopping.set()
            server.shutdown()
            thread.join()
