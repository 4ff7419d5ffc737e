"""The morning's report by mail: the text, with the page attached, by the local sendmail or an SMTP host.

SMTP goes without a password and in the open, to a relay on this machine or in its network; where more is asked for,
let the local sendmail do it.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import base64
import os
import re
import shutil
import smtplib
import socket
import tempfile

from vibackup import compat, errors, process, state
from vibackup.fleet import page, plain, words
from vibackup.guest import Command
from vibackup.names import printable

TIMEOUT_SECONDS = 60
SMTP_PORT = 25
LONGEST_SUBJECT = 150  # characters
_FOLDERS = ("/usr/sbin", "/usr/lib")  # where sendmail is when it is not on the PATH, as under cron
_ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]*(@[A-Za-z0-9][A-Za-z0-9.-]*)?\Z")
_HOST = re.compile(r"([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?\Z")
_BASE64_LINE = 57  # bytes that make a line of 76 characters


def send(report, to, sender=None, host=None):
    """Send the report (as ``morning.report`` gives it).

    to: addresses; sender: an address, None: vibackup at this machine; host: ``name`` or ``name:port`` of an SMTP host,
    None: the local sendmail. Raises UsageError for an address or a host that is none, and VibackupError where the mail
    is not taken.
    """
    sender = sender or "vibackup@%s" % compat.text(socket.gethostname())
    for address in list(to) + [sender]:
        if not _ADDRESS.match(address):
            raise errors.UsageError("mail: %s is no address that a mail can be sent to" % printable(address))
    if not to:
        raise errors.UsageError("mail: nobody to send it to: name somebody in the policy, with mail-to")
    data = message(report, to, sender)
    if host:
        _by_smtp(data, to, sender, host)
    else:
        _by_sendmail(data)


# -- the message

def message(report, to, sender):
    """Return the mail as bytes, ASCII alone, so that no relay has to change it."""
    boundary = "=_vibackup_%s" % base64.b16encode(os.urandom(12)).decode("ascii")
    text = "\n".join(plain.lines(report)) + "\n"
    lines = ["From: %s" % sender, "To: %s" % ", ".join(to), "Subject: %s" % _encoded(subject(report)),
             "Date: %s" % words.mail_date(report["at"]), "Auto-Submitted: auto-generated", "MIME-Version: 1.0",
             'Content-Type: multipart/mixed; boundary="%s"' % boundary, "", "--" + boundary]
    lines += _part("text/plain; charset=utf-8", text, "inline") + ["--" + boundary]
    lines += _part("text/html; charset=utf-8", page.html(report), 'attachment; filename="vibackup-report.html"')
    return ("\n".join(lines + ["--%s--" % boundary, ""])).encode("ascii")


def subject(report):
    """Return the subject: the outcome first."""
    lab = " (in a lab)" if any(night["lab"] for night in report["nights"]) else ""
    found = printable("%s: %s%s, %s" % (report["status"].upper(), report["headline"], lab,
                                        words.moment(report["at"], "%Y-%m-%d")))
    return found if len(found) <= LONGEST_SUBJECT else found[:LONGEST_SUBJECT - 3] + "..."


def _encoded(line):
    """Return a header's words; those that are not plain ASCII in pieces that a header may hold."""
    if all(" " <= character <= "~" for character in line):
        return line
    pieces = [line[place:place + 10] for place in range(0, len(line), 10)]  # one character is at most four bytes
    return "\n ".join("=?utf-8?b?%s?=" % base64.b64encode(piece.encode("utf-8", "replace")).decode("ascii")
                      for piece in pieces)


def _part(kind, text, disposition):
    data = text.encode("utf-8", "replace")
    coded = [base64.b64encode(data[place:place + _BASE64_LINE]).decode("ascii")
             for place in range(0, len(data), _BASE64_LINE)]
    return ["Content-Type: %s" % kind, "Content-Disposition: %s" % disposition,
            "Content-Transfer-Encoding: base64", ""] + coded


# -- how it leaves

def _by_sendmail(data):
    program = _sendmail()
    folder = tempfile.mkdtemp(prefix=str("vibackup-mail-"))
    try:
        path = os.path.join(folder, str("mail"))
        with state.new_file(path) as stream:
            stream.write(data)
        done = process.run(Command([compat.text(program), "-t", "-i"], compat.text(path), None), TIMEOUT_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if done.status != 0:
        raise errors.VibackupError("%s did not take the mail (exit status %s): %s" % (
            compat.text(program), done.status, " ".join(done.errors.split())[-300:] or "it does not say why"))


def _sendmail():
    folders = [folder for folder in os.environ.get(str("PATH"), str("")).split(os.pathsep) if os.path.isabs(folder)]
    for folder in folders + [str(each) for each in _FOLDERS]:
        path = os.path.join(folder, str("sendmail"))
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise errors.VibackupError("there is no sendmail on this machine: install one, or name an SMTP host in the policy, "
                               "with smtp-host")


def _by_smtp(data, to, sender, host):
    found = _HOST.match(host)
    if not found:
        raise errors.UsageError("mail: %s is no SMTP host; write mail.example.org or mail.example.org:25" % printable(
            host))
    name, port = found.group(1).strip("[]"), int(found.group(2) or SMTP_PORT)
    try:
        relay = smtplib.SMTP(str(name), port, timeout=TIMEOUT_SECONDS)
        try:
            refused = relay.sendmail(str(sender), [str(address) for address in to], data.replace(b"\n", b"\r\n"))
        finally:
            relay.close()
    except compat.FAULTS as error:
        raise errors.VibackupError("the SMTP host %s did not take the mail: %s" % (host, compat.message(error)))
    if refused:
        raise errors.VibackupError("the SMTP host %s did not take the mail for %s" % (host, ", ".join(sorted(
            compat.text(address) for address in refused))))
