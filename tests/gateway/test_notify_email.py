"""E-mail through a relay: what it holds, how it gets there, and what becomes of it when the relay will not have it."""
import json
import re

import pytest

from harness.certificates import make_certificate
from harness.mail import MailServer
from harness.wait import until

QUICK = {"NOTIFY_GRACE": "0s", "NOTIFY_SCHEDULE": "10ms,10ms", "NOTIFY_TIMEOUT": "5s", "NOTIFY_FROM": "Büro <jobs@example.com>"}


@pytest.fixture(scope="module")
def certificate(folder):
    return make_certificate(folder)


@pytest.fixture
def serve():
    """Starts mail servers."""
    started = []

    def serve(**options):
        started.append(MailServer(**options))
        return started[-1]
    yield serve
    for one in started:
        one.close()


@pytest.fixture
def start(start_redis, start_gateway):
    """Starts a gateway that sends by `server`."""
    def start(server, toml="", **config):
        return start_gateway(start_redis(), toml=toml, **{**QUICK, "NOTIFY_SMTP_URL": server.url, "NOTIFY_SMTP_TLS": "off", **config})
    return start


def finish(gateway, job, status="done", to="zoe@example.org", type="export", **report):
    gateway.create(id=job, type=type, notify={"email": to})
    gateway.report(job, status=status, **report)


def failed_tries(gateway):
    return gateway.metric('jobcast_notifications_failed_total{channel="email"}')


def only_dead_letter(gateway):
    lines = until(lambda: gateway.command("notify", "list").splitlines()[1:], "a dead letter")
    assert len(lines) == 1
    return lines[0]


def test_an_email_has_text_and_html_and_says_what_to_do(serve, start, job):
    server = serve()
    gateway = start(server)
    finish(gateway, job, "failed", error={"title": "Zeile 17: Größe <leer>", "action": "Fill in the size."})
    (mail,) = server.wait()
    assert (mail.sender, mail.recipients) == ("jobs@example.com", ["zoe@example.org"])
    message = mail.message
    assert message["From"] == "Büro <jobs@example.com>"
    assert message["To"] == "zoe@example.org"
    assert message["Subject"] == f"Failed: export {job} - Zeile 17: Größe <leer>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.com>", message["Message-ID"])
    assert message.get_content_type() == "multipart/alternative"
    assert "Zeile 17: Größe <leer>" in mail.text and "What to do: Fill in the size." in mail.text
    assert "Größe &lt;leer&gt;" in mail.html
    assert all(len(line) <= 78 for line in mail.raw.splitlines() if not line.startswith(b"Content-Type"))
    until(lambda: gateway.metric('jobcast_notifications_sent_total{channel="email"}') == 1, "it to be counted")


def test_templates_are_by_type(serve, start, new_job):
    server = serve()
    templates = {"invoice": {"subject": "Invoice {{id}}: {{result.total}}", "text": "{{#done}}Paid.{{/done}}", "html": "<p>{{result.note}}</p>"},
                 "default": {"subject": "Any {{id}}"}}
    toml = "".join(f"[notify.templates.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in texts.items())
                   for name, texts in templates.items())
    gateway = start(server, toml)
    invoice, other = new_job(), new_job()
    finish(gateway, invoice, type="invoice", result={"total": "17 €", "note": "<script>"})
    finish(gateway, other)
    by_subject = {mail.message["Subject"]: mail for mail in server.wait(2)}
    assert set(by_subject) == {f"Invoice {invoice}: 17 €", f"Any {other}"}
    mail = by_subject[f"Invoice {invoice}: 17 €"]
    assert (mail.text.strip(), mail.html.strip()) == ("Paid.", "<p>&lt;script&gt;</p>")


def test_no_text_of_a_job_can_add_a_header_or_end_the_message(serve, start, job):
    server = serve()
    gateway = start(server)
    evil = "x\r\nBcc: eve@example.org\r\n\r\n.\r\nMAIL FROM:<eve@example.org>\r\n"
    finish(gateway, job, "failed", error={"title": evil, "detail": evil, "action": ".\n.\n..x\n" + evil})
    (mail,) = server.wait()
    assert mail.message["Bcc"] is None
    assert mail.recipients == ["zoe@example.org"]
    assert len(server.tried) == 1
    assert evil.replace("\r\n", "\n") in mail.text.replace("\r\n", "\n")
    assert "\n.\n..x\n" in mail.text.replace("\r\n", "\n")


def test_a_message_that_is_put_off_comes_again_under_its_id(serve, start, job):
    server = serve()
    server.then("451 later", "421 not now")
    gateway = start(server)
    finish(gateway, job)
    server.wait()
    assert len(server.tried) == 3
    assert len({mail.message["Message-ID"] for mail in server.tried}) == 1
    assert len({mail.text for mail in server.tried}) == 1


def test_a_message_whose_acceptance_was_lost_comes_again_under_its_id(serve, start, job):
    server = serve()
    server.then("lose")
    gateway = start(server)
    finish(gateway, job)
    first, second = server.wait(2)
    assert first.message["Message-ID"] == second.message["Message-ID"]


def test_each_attempt_and_status_has_an_id_of_its_own(serve, start, job):
    server = serve()
    gateway = start(server, "[jobs.types.export]\nuser_retry = true\n")
    finish(gateway, job, "failed")
    server.wait(1)
    gateway.post(f"/api/jobs/{job}/retry")
    gateway.report(job, status="failed")
    assert len({mail.message["Message-ID"] for mail in server.wait(2)}) == 2


def test_a_recipient_that_is_refused_is_not_tried_again(serve, start, job):
    server = serve()
    server.refuse_recipient = "550 no such user"
    gateway = start(server)
    finish(gateway, job)
    assert "\t1 try\tzoe@example.org\tthe relay refused the message with 550" in only_dead_letter(gateway)


def test_starttls_is_used_and_the_relay_logged_in_to(serve, start, certificate, job):
    server = serve(certificate=certificate, login=("jobcast", "s3cret-word"))
    gateway = start(server, NOTIFY_SMTP_TLS="required", NOTIFY_CA_FILE=certificate[0], NOTIFY_SMTP_USER="jobcast",
                    NOTIFY_SMTP_PASSWORD="s3cret-word")
    finish(gateway, job)
    (mail,) = server.wait()
    assert mail.encrypted
    assert mail.login == "jobcast"
    assert "s3cret-word" not in gateway.log() + gateway.command("check")


def test_a_relay_whose_certificate_is_not_known_gets_nothing(serve, start, certificate, job):
    server = serve(certificate=certificate)
    gateway = start(server, NOTIFY_SMTP_TLS="required")
    finish(gateway, job)
    assert "\t3 tries\t" in only_dead_letter(gateway)
    assert server.tried == []


def test_a_relay_without_tls_gets_nothing_when_tls_is_required(serve, start, job):
    server = serve()
    gateway = start(server, NOTIFY_SMTP_TLS="required")
    finish(gateway, job)
    assert "\t3 tries\t" in only_dead_letter(gateway)
    assert server.tried == []


def test_a_wrong_password_is_tried_again_since_it_can_be_put_right(serve, start, certificate, job):
    server = serve(certificate=certificate, login=("jobcast", "right"))
    gateway = start(server, NOTIFY_SMTP_TLS="required", NOTIFY_CA_FILE=certificate[0], NOTIFY_SMTP_USER="jobcast",
                    NOTIFY_SMTP_PASSWORD="wrong")
    finish(gateway, job)
    assert re.search(r"\t3 tries\t.*Login denied", only_dead_letter(gateway))
    assert failed_tries(gateway) == 3
    assert server.tried == []


@pytest.mark.parametrize("address", ["zoe", "Zoe <zoe@example.org>", "zoe@example.org, eve@example.org", "zoe@example.org\r\nRCPT TO:<eve@example.org>",
                                     "zoé@example.org"])
def test_what_is_no_plain_address_is_refused_at_creation(serve, start, job, address):
    gateway = start(serve())
    response = gateway.post("/api/jobs", {"id": job, "notify": {"email": address}})
    assert (response.status, response.json()["field"]) == (400, "notify.email")
