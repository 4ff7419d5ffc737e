"""The way into guests on a real site: ssh, as the administrator's own ssh configuration has it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import re

from vibackup import compat, errors, process
from vibackup.guest import WINDOWS, Command
from vibackup.names import printable

_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*\Z")
_VARIABLE = re.compile("%(?![0-9AB][0-9A-F]|[C-F][0-9A-F]%)[^%]+%")  # but for the escapes of a safe name
_SSH = ["ssh", "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=20",
        "-o", "ServerAliveInterval=30", "-o", "ForwardAgent=no", "-o", "ForwardX11=no", "-o", "ClearAllForwardings=yes",
        "-o", "PermitLocalCommand=no"]


class SshGuests(object):
    """Runs commands in guests by ssh: no password is ever asked for, and the host's key must be known.

    Nothing of ours is lent to the guest: no terminal, no agent with keys, no display, no port; whatever the
    administrator's configuration says.
    """

    def run(self, name, command, family, timeout=None, on_output=None, should_stop=None):
        """Run ``command`` (a ``guest.Command``) on the host ``name`` and return its ``guest.Completed``.

        ``family``: guest.LINUX or guest.WINDOWS, for the shell over there. ``timeout``: seconds.
        ``on_output``, ``should_stop``: see ``process.run``. Raises Refused for a name or a word that
        cannot be handed over unharmed.
        """
        if not _HOST.match(name):
            raise errors.Refused("%s: not a host name for ssh; give the virtual server such a name" % printable(name))
        return process.run(Command(_SSH + ["--", name, remote_line(command, family)], None, None),
                           timeout, on_output, should_stop)


def remote_line(command, family):
    """Return ``command`` as the one line that ssh hands to the shell over there: every word quoted."""
    quote = _quote_for_windows if family == WINDOWS else compat.shell_quote
    words = [quote(word) for word in command.argv]
    if command.stdin:
        words += ["<", quote(command.stdin)]
    if command.stdout:
        words += [">", quote(command.stdout)]
    return " ".join(words)


def _quote_for_windows(word):
    """Quote for cmd.exe, which has no way to quote a double quote, the end of a line or ``%NAME%``."""
    if re.search('["\r\n]', word) or _VARIABLE.search(word):
        raise errors.Refused("cannot hand this to a Windows guest, for its quotes, line ends or variables: %s"
                             % printable(word))
    if re.match(r"[A-Za-z0-9_./:\\=-]+\Z", word):
        return word
    return '"%s"' % re.sub(r"(\\+)\Z", r"\1\1", word)
