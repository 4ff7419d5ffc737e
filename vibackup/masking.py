"""Keep secrets out of everything that is shown or written, and find them where a command line would show them."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import re

from vibackup import compat

MASK = "********"
_SECRET_NAMES = re.compile(r"PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|_PASS$|_KEY$", re.IGNORECASE)
_NOT_SECRET = re.compile(r"(_FILE|_COMMAND|COMMAND)$", re.IGNORECASE)
_SHORTEST = 4

# What a secret looks like; the group is what stands before it. A port is none: https://host:8000/folder/x@y.
_IN_ADDRESS = r"(://(?!\[)[^/\s:@]*:)%s(?:[^/\s]+|(?![0-9]{1,5}(?:/|$))\S{1,200}?)(?=@)"
_NAME = (r"[\w-]{0,40}(?:password|passwd|passphrase|secret|token)"
         r"(?![\w-]{0,20}(?:file|command|cmd|fd|path|stdin|id|label|ttl|name)\b)[\w-]{0,20}")
_ASSIGNED = r"(?i)((?<![\w/-])" + _NAME + r"=[\"']?)%s[^\s\"'&;]+"
_SCHEMES = r"(?:sftp|ssh|scp|rsync|ftps?|smb|nfs|rest|https?)"
_NO_LOGINS = r"(?:rclone|s3|b2|gs|azure|swift)"  # what follows these is never one
_LOGIN = (r"((?:^|[\s=])(?:%s:)?(?!%s:|%s:)[^/\\\s:@=%%%%+]{2,}:)%%s[^/\\\s@]+(?=@[^/\s@])"
          % (_SCHEMES, _SCHEMES, _NO_LOGINS))
_OPTION = r"(?i)((?:^|\s)--?(?!-|no-|skip-|without-)" + _NAME + r"\s+)%s[^\s-]\S*"
_OF_PROGRAM = (r"((?:^|[\s/])(?:sshpass\s+(?:-[ev]\s+|-[fdP]\s*\S+\s+)*-p\s*"
               r"|(?:mysql|mariadb)[\w-]*\s(?:[^\s;|&]+\s+){0,40}?-p"
               r"|(?:curl|wget)\s(?:[^\s;|&]+\s+){0,40}?(?:-u\s*|--user[=\s])[^\s:]+:))%s[^\s]+")
_FILLED_IN = r"(?![\"']?\$[\w{(]|\{\w+\})"  # by a shell or from a table: no secret yet

_SHOWN = [re.compile(each % "") for each in (_IN_ADDRESS, _ASSIGNED)]
_IN_LOCATION = _SHOWN + [re.compile(_LOGIN % "" + r"(?=@[^/\s@:]+[:/])")]
_IN_COMMAND = [re.compile(each % _FILLED_IN) for each in (_IN_ADDRESS, _ASSIGNED, _LOGIN, _OPTION, _OF_PROGRAM)]


def mask(words):
    """Return ``words`` without the password of any address in it, nor any secret of our environment."""
    masked = compat.text(words)
    for pattern in _SHOWN:
        masked = pattern.sub(r"\1" + MASK, masked)
    for secret in _secrets():
        masked = masked.replace(secret, MASK)
    return masked


def _secrets():
    found = [compat.text(value) for name, value in os.environ.items()
             if _SECRET_NAMES.search(name) and not _NOT_SECRET.search(name)]
    return sorted((secret for secret in found if len(secret) >= _SHORTEST), key=len, reverse=True)


def secret_in_location(location):
    """Tell whether a password stands in ``location``, which goes into command lines, the ledger and the catalog."""
    return any(pattern.search(location) for pattern in _IN_LOCATION)


def secret_in_command(words):
    """Tell whether a secret stands openly in the command line ``words`` (a list), where every process list shows it.

    Known are ``user:password@``, ``--password=WORD`` and the like (not of a file or a command), ``--password WORD``,
    and the ways of sshpass, mysql and curl. What a shell or a placeholder fills in is none.
    """
    line = " ".join(words)
    return any(pattern.search(line) for pattern in _IN_COMMAND)
