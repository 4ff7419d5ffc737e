# -*- coding: utf-8 -*-
"""The mail: its subject says the outcome first, nobody's name adds a head to it, and it leaves, or the run says why."""
from __future__ import absolute_import, division, print_function, unicode_literals

import email
import email.header
import email.utils
import os
import socket
import threading

import pytest

from tests.nights import HALF, HOSTILE, MORNING, backup, ended, night, planned, policy, source, tried
from vibackup import compat, errors
from vibackup.fleet import mail, morning, page, plain

STANDINS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))),
                        "standins")


def report(outcome="failed", vs="web01", **more):
    return morning.report([source([[night(tried(vs, outcome), ended(), servers=[planned(vs)], **more)]],
                                  [backup("b-" + vs, vs)])], {"nightly": policy()}, MORNING)


def parsed(data):
    return email.message_from_string(data.decode("ascii")) if compat.PYTHON3 else email.message_from_string(data)


def subject(message):
    return "".join(compat.text(part.decode(charset or "ascii") if isinstance(part, bytes) else part)
                   for part, charset in email.header.decode_header(message["Subject"]))


def sent(**more):
    return parsed(mail.message(report(**more), ["ops@example.org", "boss@example.org"], "vibackup@vm1"))


# -- the message

def test_the_subject_says_the_outcome_first():
    assert subject(sent()).startswith("WARNING: 1 server failed, 2008-11-1")
    assert subject(sent(outcome="ok")).startswith("OK: 1 server has a good backup within RPO, ")


def test_it_holds_the_text_and_the_page():
    message, made = sent(), report()
    text, html = message.get_payload()
    assert text.get_content_type() == "text/plain" and html.get_content_type() == "text/html"
    assert text.get_payload(decode=True).decode("utf-8") == "\n".join(plain.lines(made)) + "\n"
    assert html.get_payload(decode=True).decode("utf-8") == page.html(made)
    assert html.get_filename() == "vibackup-report.html"
    assert message["To"] == "ops@example.org, boss@example.org" and message["Auto-Submitted"] == "auto-generated"
    assert email.utils.mktime_tz(email.utils.parsedate_tz(message["Date"])) == MORNING


@pytest.mark.parametrize("name", HOSTILE + ("x\nBcc: all@example.org", "x\r\n\r\nbody", "\u2603" * 300))
def test_a_name_cannot_add_a_head_or_a_part(name):
    """L8."""
    found = sent(vs=name, name=name, manager=name)
    assert sorted(found.keys()) == ["Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Subject", "To"]
    assert len(found.get_payload()) == 2


@pytest.mark.parametrize("headline", ["web\u2603" * 80, "x\nBcc: all@example.org", HALF, "a" * 4000])
def test_a_subject_is_one_head_of_short_lines(headline):
    """L8."""
    made = dict(report(), headline=headline)
    data = mail.message(made, ["ops"], "vibackup@vm1")
    assert parsed(data)["Bcc"] is None and len(subject(parsed(data))) < 400 and "\n" not in subject(parsed(data))
    assert max(len(line) for line in data.split(b"\n")) < 998 and data.decode("ascii")


def test_a_long_subject_that_is_not_ascii_is_whole_in_its_pieces():
    assert subject(parsed(mail.message(dict(report(), headline="\u2603" * 60), ["ops"], "x"))).count("\u2603") == 60


@pytest.mark.parametrize("address", ["a@b\nBcc: c@d", "-Oqueue=x", "a b@c", "", "a@b,c@d", "<a@b>", "a@-b", "@b",
                                     "a@b\n"])
def test_an_address_that_is_none_is_refused(address):
    """L8."""
    for to, sender in (([address], "vibackup@vm1"), (["ops@example.org"], address or "\n")):
        with pytest.raises(errors.UsageError):
            mail.send(report(), to, sender)


@pytest.mark.parametrize("host", ["a b", "host:port", "-x y", "a\nb", "host:123456"])
def test_a_host_that_is_none_is_refused(host):
    with pytest.raises(errors.UsageError):
        mail.send(report(), ["ops"], "vibackup@vm1", host)


# -- by the local sendmail

@pytest.fixture
def sendmail(tmpdir, monkeypatch):
    monkeypatch.setenv(str("PATH"), str(STANDINS + os.pathsep + os.environ["PATH"]))
    monkeypatch.setenv(str("STANDIN_RECORD"), str(tmpdir.join("record")))
    monkeypatch.setenv(str("STANDIN_STORE"), str(tmpdir))
    return tmpdir


def test_sendmail_takes_the_mail_from_its_input_and_the_addresses_from_its_heads(sendmail):
    mail.send(report(), ["ops@example.org"])
    with open(str(sendmail.join("mail")), "rb") as stream:
        found = parsed(stream.read())
    assert subject(found).startswith("WARNING: ") and found["From"].startswith("vibackup@")
    assert sendmail.join("record").read().split("\n")[:3] == ["sendmail 2", "-t", "-i"]


def test_a_sendmail_that_fails_is_an_error_that_names_it(sendmail, monkeypatch):
    monkeypatch.setenv(str("STANDIN_STATUS"), str("75"))
    with pytest.raises(errors.VibackupError) as caught:
        mail.send(report(), ["ops@example.org"])
    assert "sendmail did not take the mail (exit status 75)" in caught.value.message


def test_no_mail_stays_behind_in_the_folder_for_temporary_files(sendmail, monkeypatch):
    monkeypatch.setattr(mail.tempfile, "tempdir", str(sendmail))
    mail.send(report(), ["ops@example.org"])
    assert not [name for name in os.listdir(str(sendmail)) if "vibackup-mail" in name]


def test_a_machine_without_sendmail_says_what_to_do(tmpdir, monkeypatch):
    monkeypatch.setenv(str("PATH"), str(tmpdir))
    monkeypatch.setattr(mail, "_FOLDERS", ())
    with pytest.raises(errors.VibackupError) as caught:
        mail.send(report(), ["ops@example.org"])
    assert "smtp-host" in caught.value.message


# -- by SMTP

class Relay(threading.Thread):
    """A host that speaks as much SMTP as one mail needs, in words as they go over the line."""

    def __init__(self, refuses=None):
        threading.Thread.__init__(self)
        self.daemon = True
        self._refuses = refuses
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(1)
        self.host = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self.said, self.data = [], b""
        self.start()

    def run(self):
        link, _address = self._listener.accept()
        stream = link.makefile("rb")
        link.sendall(b"220 relay\r\n")
        for line in iter(stream.readline, b""):
            self.said.append(line.decode("ascii").strip())
            verb = self.said[-1].split(" ")[0].split(":")[0].upper()
            if verb == self._refuses:
                link.sendall(b"550 not here\r\n")
            elif verb == "DATA":
                link.sendall(b"354 go on\r\n")
                for body in iter(stream.readline, b".\r\n"):
                    self.data += body[1:] if body.startswith(b"..") else body
                link.sendall(b"250 taken\r\n")
            else:
                link.sendall(b"250 fine\r\n")
        link.close()
        self._listener.close()


def test_a_relay_is_told_for_whom_the_mail_is_and_gets_all_of_it():
    relay = Relay()
    mail.send(report(), ["ops@example.org", "boss@example.org"], "vibackup@vm1", relay.host)
    relay.join(30)
    assert [line.lower() for line in relay.said if line.lower().startswith("rcpt")] == [
        "rcpt to:<ops@example.org>", "rcpt to:<boss@example.org>"]
    assert b"\n" not in relay.data.replace(b"\r\n", b"") and subject(parsed(relay.data)).startswith("WARNING")
    assert parsed(relay.data).get_payload()[1].get_payload(decode=True).decode("utf-8") == page.html(report())


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
def test_a_relay_that_does_not_take_it_is_an_error(verb):
    relay = Relay(refuses=verb)
    with pytest.raises(errors.VibackupError) as caught:
        mail.send(report(), ["ops@example.org"], "vibackup@vm1", relay.host)
    assert "the SMTP host 127.0.0.1" in caught.value.message and "did not take the mail" in caught.value.message


def free_port():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    return port


def test_a_relay_that_is_not_there_is_an_error():
    with pytest.raises(errors.VibackupError):
        mail.send(report(), ["ops@example.org"], "vibackup@vm1", "127.0.0.1:%d" % free_port())


def test_a_relay_that_says_nothing_is_given_up(monkeypatch):
    """L7: a wait ends."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 0.2)
    try:
        begun = compat.monotonic()
        with pytest.raises(errors.VibackupError):
            mail.send(report(), ["ops@example.org"], "vibackup@vm1", "127.0.0.1:%d" % listener.getsockname()[1])
        assert compat.monotonic() - begun < 5
    finally:
        listener.close()


@pytest.mark.any_interpreter
def test_a_real_smtp_server_takes_it():
    import asyncio
    from aiosmtpd.controller import Controller
    taken = []

    class Handler(object):
        def handle_DATA(self, _server, _session, envelope):  # the name that the server calls
            taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
            return asyncio.sleep(0, "250 taken")

    controller = Controller(Handler(), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        port = controller.port
        mail.send(report(), ["ops@example.org"], "vibackup@vm1", "127.0.0.1:%d" % port)
    finally:
        controller.stop()
    assert taken[0][:2] == ("vibackup@vm1", ["ops@example.org"]) and subject(parsed(taken[0][2])).startswith("WARNING")
