"""Storage arrays: the commands that take, list and delete the snapshot of a LUN.

One table, ``arrays.ini`` beside this module, says for each array which commands these are. A site adds
to the table, or replaces sections of it, with an INI file of the same form; the head of ``arrays.ini``
describes that form. The commands run where vibackup runs, and no shell reads them, see ``tables``.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import re

from vibackup import compat, errors, process, tables
from vibackup.guest import Command, failure
from vibackup.masking import mask
from vibackup.names import printable, safe_name

SNAPSHOT, LIST, DELETE = "snapshot", "list", "delete"
COMMAND_SECONDS = 60  # no longer than a server may be frozen
LOOKS = 3
LOOK_PAUSE_SECONDS = 5

_PLACEHOLDERS = {SNAPSHOT: ("lun", "tag"), LIST: ("lun",), DELETE: ("lun", "tag")}
_KEYS = frozenset(list(_PLACEHOLDERS) + ["description", "lab"])
_LUN = re.compile(r"(?!.*\.\.)[A-Za-z0-9_/][A-Za-z0-9_.:/@+=,-]*\Z")


class Array(object):
    """One storage array. ``name`` and ``description`` are text; ``for_lab``: it is a model, and good for labs alone."""

    def __init__(self, section):
        self.name = section.name
        self.description = section.line("description")
        self.for_lab = _yes(section, "lab")
        self._lines = dict((key, section.commands(key, names)) for key, names in _PLACEHOLDERS.items())
        _check_whole(section, self._lines)

    def commands(self, operation, lun, tag=None):
        """Return the commands of ``operation`` (SNAPSHOT, LIST or DELETE), to be run in order until one fails.

        lun: what the array calls the LUN. tag: what the snapshot is called; LIST needs none. Returns a list of
        ``guest.Command``. Raises Refused for a LUN whose name could be read as anything but a name.
        """
        if not _LUN.match(lun):
            raise errors.Refused("array %s: the LUN %s cannot be handed to it: only letters, digits and . _ : / @ + = "
                                 ", - are safe behind ssh; rename it on the array" % (self.name, printable(lun)))
        return [tables.filled(line, {"lun": lun, "tag": tag}, "array " + self.name, operation)
                for line in self._lines[operation]]


def load(path=None):
    """Return the arrays by name: those of the shipped table, and those of the INI at ``path``.

    A section of the INI at ``path`` adds an array, or replaces the whole shipped one of its name.
    Raises UsageError, one line that names file, section and key, for whatever is wrong.
    """
    shipped = os.path.join(os.path.dirname(os.path.abspath(__file__)), "arrays.ini")
    found = {}
    for table in (shipped,) if path is None else (shipped, path):
        for section in tables.sections(compat.text(table), _KEYS):
            found[section.name] = Array(section)
    return found


def _yes(section, key):
    word = section.line(key)
    if word not in ("", "yes", "no"):
        raise section.fault(key, "%s: neither yes nor no" % word)
    return word == "yes"


def _check_whole(section, lines):
    """Raise UsageError for an array that lacks a command, or whose commands would not speak of our snapshot alone."""
    for key in sorted(lines):
        if not lines[key]:
            raise section.fault(key, "missing: an array needs snapshot, list and delete")
    for key in (SNAPSHOT, DELETE):
        if "tag" not in tables.placeholders_in(lines[key]):
            raise section.fault(key, "must hold {tag}, so that it speaks of this one snapshot")
    if "lun" not in tables.placeholders_in(lines[SNAPSHOT]):
        raise section.fault(SNAPSHOT, "must hold {lun}")


def tag_of(backup_id, number):
    """Return what the snapshot of the ``number``th LUN (from 1) in the backup ``backup_id`` is called.

    Letters, digits, ``_`` and ``-`` as every array takes them. The number tells LUNs apart on an array
    whose snapshots share one space of names, as the logical volumes of a volume group do.
    """
    return "vibackup-%s%s" % (safe_name(backup_id), "" if number == 1 else "-lun%d" % number)


# -- what a run does with an array

def facts_of(array, lun, tag):
    """Return what the ledger must know of the snapshot ``tag`` of ``lun`` to take it back without the INI."""
    return {"array": array.name, "lun": lun, "tag": tag, "list": _as_lists(array.commands(LIST, lun)),
            "delete": _as_lists(array.commands(DELETE, lun, tag))}


def take(run, array, lun, tag):
    """Have the array take the snapshot ``tag`` of ``lun``.

    Raises ArrayFailed where a command's exit status is not 0, or it is not over within COMMAND_SECONDS.
    """
    _run_all(run, array.name, _as_lists(array.commands(SNAPSHOT, lun, tag)))


def prove(run, facts):
    """Raise ArrayFailed unless the array lists the snapshot of ``facts``: what it does not list is no backup."""
    if not _shows(run, facts):
        raise errors.ArrayFailed("array %s ended well, but does not list the snapshot %s of the LUN %s" % (
            facts["array"], facts["tag"], facts["lun"]))


def answers(run, array, lun):
    """Refuse an array that does not list the snapshots of ``lun`` now; this changes nothing."""
    try:
        _run_all(run, array.name, _as_lists(array.commands(LIST, lun)))
    except errors.ArrayFailed as error:
        raise errors.Refused("%s; look at it before a backup relies on it" % error.message)


def release(run, facts):
    """Delete the snapshot that ``facts`` of the ledger speak of, if the array lists it; what the catalog has is kept.

    facts: those of ``facts_of``, ``backup``, and ``taken`` where its command has ended well.
    Raises ArrayFailed where the array cannot say whether it has it, or has it still.
    """
    if run.catalog.has(facts["backup"]) or not _shows_in_the_end(run, facts):
        return
    with run.step("delete snapshot", facts["lun"], facts["tag"]):
        _run_all(run, facts["array"], facts["delete"])
        if _shows(run, facts):
            raise errors.ArrayFailed("array %s ended well, but lists the snapshot %s of the LUN %s still" % (
                facts["array"], facts["tag"], facts["lun"]))


def _shows_in_the_end(run, facts):
    """Tell whether the array lists the snapshot; one whose command was cut short may come a little later."""
    for number in range(1 if facts.get("taken") else LOOKS):
        if number:
            run.manager.clock.sleep(LOOK_PAUSE_SECONDS)
        if _shows(run, facts):
            return True
    return False


def _shows(run, facts):
    """Tell whether the array lists the tag as a word of its own, not as part of another snapshot's name."""
    output = _run_all(run, facts["array"], facts["list"])
    return re.search(r"(?<![\w%%-])%s(?![\w%%.-])" % re.escape(facts["tag"]), output) is not None


def _as_lists(commands):
    """Return commands as plain lists, in which the ledger can keep them."""
    return [[list(argv), stdin, stdout] for argv, stdin, stdout in commands]


def _run_all(run, name, commands):
    """Run commands, given as plain lists, until one fails; return what they printed on standard output."""
    lab = run.manager.lab
    said = []
    for argv, stdin, stdout in commands:
        completed = process.run(Command(argv, stdin, stdout), min(run.timeout, COMMAND_SECONDS),
                                should_stop=run.should_stop, cwd=None if lab is None else lab.folder)
        if completed.status != 0:
            run.check_stop()  # that is why it ended
            raise errors.ArrayFailed("array %s: %s: %s" % (name, argv[0], mask(failure(completed))))
        said.append(completed.output)
    return "\n".join(said)
