"""A loopback server that speaks as much SMTP as a test needs."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailBox:
    """The running server; what it refuses and offers may be changed while it runs."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    offers: tuple[str, ...] = ()
    context: ssl.SSLContext | None = None


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, box: MailBox) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.box = box
        box.port = self.server_address[1]


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def handle(self) -> None:
        box = self.server.box
        to: list[str] = []
        self.say("220 loopback")
        while line := self.rfile.readline():
            word = line.decode().strip()
            verb = word.split(" ")[0].upper()
            box.words.append(verb)
            if verb in box.refuses:
                self.say(box.refuses[verb])
                continue
            if verb == "DATA":
                self.say("354 go on")
                self.keep(to)
            if verb == "RCPT":
                to.append(word.partition(":")[2].strip("<>"))
            if verb == "EHLO":
                self.say("250-loopback", *(f"250-{offer}" for offer in box.offers))
            if verb == "STARTTLS" and box.context is not None:
                self.say("220 go on")
                self.encrypt(box.context)
                continue
            self.say({"AUTH": "235 welcome", "QUIT": "221 bye"}.get(verb, "250 ok"))
            if verb == "QUIT":
                return

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Go on with TLS; a client that does not trust us ends the conversation."""
        try:
            self.request = context.wrap_socket(self.request, server_side=True)
        except (ssl.SSLError, OSError):
            return
        self.rfile = self.request.makefile("rb")
        self.wfile = self.request.makefile("wb", buffering=0)

    def keep(self, to: list[str]) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        # The wire ends lines in CRLF; a reader's store does not.
        data = b"".join(lines).replace(b"\r\n", b"\n")
        mail = message_from_bytes(data, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.server.box.mails.append(mail)
        self.server.box.recipients.append(list(to))


@contextmanager
def mail_server() -> Iterator[MailBox]:
    """Run a server until the block ends."""
    box = MailBox()
    with _Server(box) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
