"""Backup software as argument lists, and what its exit statuses mean.

One table, ``agents.ini`` beside this module, says for each agent which commands back up an image,
back up files and restore an image, which exit statuses are warnings, and where its output tells
the bytes it read and its own name for the backup. A site adds to the table, or replaces sections
of it, with an INI file of the same form; the head of ``agents.ini`` describes that form.

No shell reads a command, see ``tables``.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import re

from vibackup import compat, masking, tables
from vibackup.errors import Refused, UsageError
from vibackup.guest import Command
from vibackup.names import safe_name

OPERATIONS = ("image_backup", "file_backup", "file_system_backup", "image_restore", "file_restore")
BEFORE = ("image_before", "file_before")
AFTER = ("image_after", "file_after", "image_discard", "file_discard", "image_find", "file_find")

OK = "ok"
WARNING = "warning"
FAILED = "failed"

_ALWAYS = ("disk", "file", "folder", "id", "location", "name", "vs")
_PLACEHOLDERS = {
    "image_before": _ALWAYS + ("device",),
    "image_backup": _ALWAYS + ("device",),
    "image_after": _ALWAYS + ("device",),
    "image_restore": _ALWAYS + ("backup_id", "device"),
    "file_before": _ALWAYS + ("mount", "origin"),
    "file_backup": _ALWAYS + ("mount", "origin"),
    "file_system_backup": _ALWAYS + ("mount", "origin"),
    "file_after": _ALWAYS + ("mount", "origin"),
    "file_restore": _ALWAYS + ("backup_id", "mount", "origin", "target"),
    "image_discard": _ALWAYS + ("backup_id",),
    "file_discard": _ALWAYS + ("backup_id",),
    "image_find": _ALWAYS + ("backup_id",),
    "file_find": _ALWAYS + ("backup_id",),
}
_WARNING_KEYS = {"file_backup": "warning_status", "file_system_backup": "warning_status",
                 "image_backup": "image_warning_status"}
_HINTS = {"location": ": give --location", "backup_id": ": the backup's record has none"}
_KEYS = frozenset(OPERATIONS + BEFORE + AFTER + (
    "description", "default_location", "suffix", "ok_status", "warning_status", "image_warning_status",
    "warnings_from",
    "bytes", "backup_id", "progress", "percent"))

LONGEST_LOCATION = 1000  # characters; a path of Linux has at most 4095 bytes
_HIGHEST_STATUS = 125  # 126 and 127 are a shell's, for a program that did not run; then signals
_WINDOWS_PATH = re.compile(r"[A-Za-z]:([\\/]|$)|\\\\|[^/]*\\")

# A ``tables.Line``, and the exit statuses with which its program warns.
_Line = collections.namedtuple("_Line", "line warning_status")


class AgentCommand(Command):
    """A ``guest.Command`` of an agent.

    ``warning_status``: the exit statuses with which it says "done, with something skipped". A command
    that only prepares or checks has none.
    """

    warning_status = frozenset()


class Agent(object):
    """One backup program: its commands, and how to read what came of them.

    ``name``, ``description``, ``default_location`` (empty where the site must give one) and
    ``suffix`` (of the file it writes, empty where it writes none) are text.
    """

    def __init__(self, section, agents):
        self.name = section.name
        self.description = section.line("description")
        self.default_location = section.line("default_location")
        self.suffix = section.line("suffix")
        self._section = section
        self._agents = agents
        self._parsed = None
        self._ok = _statuses(section, "ok_status") or frozenset([0])
        self._warning = _statuses(section, "warning_status")
        self._bytes = _pattern(section, "bytes")
        self._backup_id = _pattern(section, "backup_id")
        self._progress = _pattern(section, "progress")
        self._percent = _pattern(section, "percent")

    def checked(self):
        """Return the agent; raise UsageError for what is wrong with its command lines."""
        _check_whole(self._section, self._lines)
        if masking.secret_in_location(self.default_location):
            raise self._section.fault("default_location", tables.SECRET)
        return self

    @property
    def _lines(self):
        """The parsed command lines, by key: most commands use those of one agent, and all would take a while."""
        if self._parsed is None:
            self._parsed = _all_lines(self._section)
        return self._parsed

    @property
    def tells_bytes(self):
        """Whether the agent says how many bytes it has read."""
        return self._bytes is not None

    @property
    def tells_backup_id(self):
        """Whether the agent has names of its own for backups, and says them."""
        return self._backup_id is not None

    def supports(self, operation):
        """Return whether the agent has ``operation``, one of OPERATIONS."""
        return operation in self._lines

    def removes(self, mode):
        """Tell whether the agent has a command to remove a backup of ``mode``, image or file."""
        return self.supports(mode + "_discard")

    def restores_any(self, operation):
        """Tell whether ``operation``, image_restore or file_restore, says which backup it wants, or gets the newest."""
        lines = self._lines.get(operation, ())
        found = tables.placeholders_in([line.line for line in lines])
        return bool(found & {"backup_id", "file", "folder", "id"})

    def commands(self, operation, values):
        """Return the commands of ``operation``, to be run in order until one fails.

        operation: one of OPERATIONS; or, [] where there are none, of BEFORE (to be run before a backup: where
            one fails nothing was made) and AFTER: "image_after" (to be run after an image backup or restore,
            whatever happened), "file_after" (after a file backup), "image_discard" and "file_discard" (to
            remove a backup that turned out worthless, or is wanted no more), "image_find" and "file_find" (to
            prove that such a one is there, and ours).
        values: what the placeholders stand for, as ``values_for`` gives it.
        Returns a list of AgentCommand. Raises Refused if the agent has no such operation, or if
        a value is not known or would be read as an option.
        """
        if operation not in self._lines:
            if operation in BEFORE + AFTER:
                return []
            raise Refused(self._no_such(operation))
        return [self._filled(operation, line, values) for line in self._lines[operation]]

    def judge(self, status, command=None):
        """Return OK, WARNING or FAILED for the exit ``status`` of one command; only it counts.

        status: a whole number, or None if none came back.
        command: the AgentCommand that ended with it. Without it the status is read as that of a
            file backup, so give it wherever there is one: a helper such as ``mv`` ends with 1 when
            it fails, which for tar itself would be a warning.
        """
        if status in self._ok:
            return OK
        warnings = self._warning if command is None else getattr(command, "warning_status", frozenset())
        return WARNING if status in warnings else FAILED

    def bytes_read(self, output):
        """Return the bytes read as ``output`` (of all commands of a backup) has them, or None."""
        figures = [found for found in _matches(self._bytes, output) if re.match(r"[0-9]{1,20}\Z", found)]
        return int(figures[-1]) if figures else None

    def backup_id(self, output):
        """Return the agent's own name for the backup out of ``output``, as text, or None."""
        names = _matches(self._backup_id, output)
        return names[-1] if names else None

    def progress(self, line):
        """Return ("bytes", so far) or ("percent", done) out of a ``line`` of output, or None."""
        found = _matches(self._progress or self._percent, line)
        try:
            return ("bytes", int(found[-1])) if self._progress else ("percent", float(found[-1]))
        except (IndexError, ValueError):
            return None

    def _no_such(self, operation):
        able = sorted(name for name, agent in self._agents.items() if agent.supports(operation))
        return "agent %s has no %s; %s" % (
            self.name, operation,
            "agents that have it: " + ", ".join(able) if able else "give it one in an INI of your own")

    def _filled(self, operation, line, values):
        command = AgentCommand(*tables.filled(line.line, values, "agent " + self.name, operation, _HINTS))
        command.warning_status = line.warning_status
        return command


def load(path=None):
    """Return the agents by name: those of the shipped table, and those of the INI at ``path``.

    A section of the INI at ``path`` adds an agent, or replaces the whole shipped one of its name.
    Raises UsageError, one line that names file, section and key, for whatever is wrong.
    """
    agents = {}
    for section in tables.shipped("agents.ini", _KEYS):
        agents[section.name] = Agent(section, agents)
    for section in tables.own(path, _KEYS):
        agents[section.name] = Agent(section, agents).checked()
    return agents


def values_for(agent, vs, disk, location, identifier, **more):
    """Return what the placeholders of ``agent`` stand for, as a dict of text.

    vs, disk: names of the virtual server and of its disk, in full: those of the backup, also when
        it is restored elsewhere. From them alone comes the name the agent keeps, not the device.
    location: folder (Unix or Windows), repository, server or policy; empty: the agent's default.
    identifier: vibackup's own id of this backup, unique for every disk image and every mount.
    more: device, mount, origin, backup_id, target, as far as they are known.
    Raises UsageError for a location as ``check_location`` does.
    """
    location = compat.text(location or agent.default_location)
    check_location(location)
    safe_vs, safe_disk, safe_id = safe_name(vs), safe_name(disk), safe_name(identifier)
    values = {
        "vs": safe_vs,
        "disk": safe_disk,
        "id": safe_id,
        "name": safe_vs + "/" + safe_disk,
        "location": location,
        "folder": _joined(location, safe_vs, safe_disk),
        "file": _joined(location, safe_vs, safe_disk, safe_id + agent.suffix),
    }
    values.update(more)
    return values


def check_location(location):
    """Return ``location``; raise UsageError where it holds a password, or is nothing that a program could be given."""
    if masking.secret_in_location(location):
        raise UsageError("--location: it %s (RESTIC_PASSWORD_FILE, RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD, "
                         "BORG_PASSCOMMAND)" % tables.SECRET)
    if location.startswith("-") or "\0" in location:
        raise UsageError("location %s: may not begin with - or hold a zero byte" % location.replace("\0", "?"))
    if len(location) > LONGEST_LOCATION:
        raise UsageError("location %s...: has more than %d characters, and no file could be made there" % (
            location[:40], LONGEST_LOCATION))
    try:
        compat.native(location)
    except UnicodeError:
        raise UsageError("the location has characters in it that no program can be given")
    return location


def _statuses(section, key):
    """Return the exit statuses that a value such as ``1 100-125`` lists."""
    statuses = set()
    for word in section.line(key).split():
        found = re.match(r"([0-9]{1,3})(?:-([0-9]{1,3}))?$", word)
        first, last = (int(found.group(1)), int(found.group(2) or found.group(1))) if found else (0, 999)
        if not first <= last <= _HIGHEST_STATUS:
            raise section.fault(key, "%s: not an exit status from 0 to %d, nor a range of them" % (
                word, _HIGHEST_STATUS))
        statuses.update(range(first, last + 1))
    return frozenset(statuses)


def _pattern(section, key):
    """Return a value as a regular expression with one group, or None where there is no value."""
    value = section.line(key)
    if not value:
        return None
    try:
        pattern = re.compile(value, re.MULTILINE)
    except re.error as error:
        raise section.fault(key, "not a regular expression: %s" % compat.message(error))
    if pattern.groups != 1:
        raise section.fault(key, "must have one group, it has %d" % pattern.groups)
    return pattern


def _matches(pattern, output):
    if pattern is None or not output:
        return []
    return [found.group(1) for found in pattern.finditer(compat.text(output)) if found.group(1)]


def _all_lines(section):
    """Return the parsed command lines of a section, by key, for the keys that have any."""
    lines = {}
    for key in OPERATIONS + BEFORE + AFTER:
        parsed = [_Line(line, _warnings_of(section, key, line)) for line in section.commands(key, _PLACEHOLDERS[key])]
        if parsed:
            lines[key] = parsed
    return lines


def _warnings_of(section, key, line):
    """Return the exit statuses that are warnings of the program of ``line``."""
    if key in _WARNING_KEYS and set(section.line("warnings_from").split()) & set(line.written):
        return _statuses(section, _WARNING_KEYS[key])
    return frozenset()


def _check_whole(section, lines):
    """Raise UsageError for keys that are right one by one and make no sense together."""
    if "image_backup" not in lines and "file_backup" not in lines:
        raise section.fault("image_backup", "missing, and so is file_backup: the agent backs up nothing")
    if section.line("progress") and section.line("percent"):
        raise section.fault("percent", "give either this or progress")
    for operation, key in sorted(_WARNING_KEYS.items()):
        may_lack = operation == "file_system_backup" and operation not in lines
        if section.line(key) and not may_lack and not any(line.warning_status for line in lines.get(operation, ())):
            raise section.fault("warnings_from", "must hold a word of the %s command that has a %s" % (operation, key))


def _joined(location, *names):
    if not location:
        return ""
    separator = "\\" if _WINDOWS_PATH.match(location) else "/"
    front = location if location[-1] in (separator, "/") else location + separator
    return front + separator.join(names)
