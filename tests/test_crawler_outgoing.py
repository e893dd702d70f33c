"""Webhooks and mail: what arrives, what is refused, and that no secret is told."""

import hashlib
import hmac
import shutil
import socket
import ssl
import subprocess
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from werkzeug import Response

from crawler.errors import DeliveryError
from crawler.outgoing import MailServer, post, send_mail
from crawler.settings import CrawlSettings, Limits
from tests.mail_server import mail_server

NOW = datetime(2026, 1, 30, 23, 15, tzinfo=UTC)
BODY = '{"title": "Silver, −28.5 %"}'.encode()
OPEN = CrawlSettings(
    allow_addresses=("127.0.0.0/8", "::1/128"),
    host_interval_s=0.0,
    limits=Limits(attempts=1, total_s=5.0, connect_s=1.0),
)
FENCED = CrawlSettings(host_interval_s=0.0, limits=Limits(attempts=1, total_s=5.0))


def taking(httpserver, status=200, **headers):
    httpserver.expect_request("/hook/s3cret", method="POST").respond_with_response(
        Response("x" * 200_000, status=status, headers=headers)
    )
    return httpserver.url_for("/hook/s3cret")


def test_a_webhook_gets_the_signed_body_once(httpserver):
    url = taking(httpserver)
    post(url, BODY, secret="key", headers={"X-Id": "7"}, settings=OPEN, now=NOW)
    ((request, _),) = httpserver.log
    assert request.get_data() == BODY
    assert request.headers["Content-Type"] == "application/json"
    expected = hmac.new(b"key", BODY, hashlib.sha256).hexdigest()
    assert request.headers["X-Tapestory-Signature"] == f"sha256={expected}"
    assert request.headers["X-Id"] == "7"
    assert request.headers["User-Agent"].startswith("tapestory/")


def test_no_signature_without_a_key(httpserver):
    post(taking(httpserver), BODY, settings=OPEN, now=NOW)
    assert "X-Tapestory-Signature" not in httpserver.log[0][0].headers


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500])
def test_what_is_no_success_is_an_error_that_hides_the_path(httpserver, status):
    url = taking(httpserver, status, Location="/elsewhere")
    with pytest.raises(DeliveryError) as caught:
        post(url, BODY, settings=OPEN, now=NOW)
    assert "localhost" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert [request.path for request, _ in httpserver.log] == ["/hook/s3cret"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x", "http://internal.example/x", "file:///etc/passwd"]
)
def test_a_private_network_is_out_of_reach_unless_it_is_allowed(url):
    async def private(host, port):
        return ["10.1.2.3"]

    with pytest.raises(DeliveryError) as caught:
        post(url, BODY, settings=FENCED, now=NOW, resolve=private)
    assert "internal.example" not in url or "allow_addresses" in str(caught.value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_that_is_not_there_is_an_error_to_try_again():
    with pytest.raises(DeliveryError, match="tried again"):
        post(f"http://127.0.0.1:{free_port()}/x", BODY, settings=OPEN, now=NOW)


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "tapestory@example.org", "desk@example.org, b@example.org"
    message["Subject"] = "Silver −28.5 %"
    message.set_content(".a line that begins with a dot\n“quoted”\n")
    return message


def test_a_mail_arrives_whole():
    with mail_server() as box:
        send_mail(letter(), MailServer(host="127.0.0.1", port=box.port, security="none"))
    (mail,) = box.mails
    assert mail["Subject"] == "Silver −28.5 %"
    assert mail.get_content() == ".a line that begins with a dot\n“quoted”\n"
    assert box.recipients == [["desk@example.org", "b@example.org"]]


@pytest.mark.parametrize(
    ("refuses", "words"),
    [
        ({"MAIL": "452 full"}, "answered 452"),
        ({"RCPT": "550 who?"}, "every recipient"),
        ({"DATA": "554 no"}, "answered 554"),
    ],
)
def test_a_refusal_says_what_to_look_at(refuses, words):
    with mail_server() as box, pytest.raises(DeliveryError, match=words):
        box.refuses = refuses
        send_mail(letter(), MailServer(host="127.0.0.1", port=box.port, security="none"))


def test_a_password_is_not_sent_to_a_server_without_tls():
    with mail_server() as box:
        box.offers = ("AUTH PLAIN LOGIN",)
        server = MailServer(
            host="127.0.0.1", port=box.port, security="starttls", user="u", password="pa55"
        )
        with pytest.raises(DeliveryError, match="does not offer") as caught:
            send_mail(letter(), server)
    assert "AUTH" not in box.words
    assert "pa55" not in f"{caught.value} {server!r}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Give a certificate for 127.0.0.1 and its key, made for these tests."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    words = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        f" -keyout {folder}/key.pem -out {folder}/cert.pem -subj /CN=localhost"
        " -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([openssl, *words.split()], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_login_goes_over_tls_to_a_server_whose_certificate_holds(
    certificate, monkeypatch, is_trusted
):
    path, key = certificate
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with mail_server() as box:
        box.offers = ("STARTTLS", "AUTH PLAIN")
        box.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        box.context.load_cert_chain(path, key)
        server = MailServer(
            host="127.0.0.1", port=box.port, security="starttls", user="u", password="pa55"
        )
        if is_trusted:
            send_mail(letter(), server)
        else:
            with pytest.raises(DeliveryError, match="SSLCertVerificationError"):
                send_mail(letter(), server)
    assert len(box.mails) == is_trusted
    assert ("AUTH" in box.words) == is_trusted


def test_a_login_that_is_refused_names_no_password():
    with mail_server() as box:
        box.offers = ("AUTH PLAIN",)
        box.refuses = {"AUTH": "535 no"}
        server = MailServer(
            host="127.0.0.1", port=box.port, security="none", user="u", password="pa55"
        )
        with pytest.raises(DeliveryError, match="refuses the login") as caught:
            send_mail(letter(), server)
    assert "pa55" not in str(caught.value)


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_no_mail_server_is_an_error_that_names_it(security):
    server = MailServer(host="127.0.0.1", port=free_port(), security=security, timeout_s=2.0)
    with pytest.raises(DeliveryError, match=r"'127\.0\.0\.1'"):
        send_mail(letter(), server)
