"""Storage arrays: the commands that take, list and delete the snapshot of a LUN.

One table, ``arrays.ini`` beside this module, says for each array which commands these are. A site adds
to the table, or replaces sections of it, with an INI file of the same form; the head of ``arrays.ini``
describes that form. The commands run where vibackup runs, and no shell reads them, see ``tables``.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import re

from vibackup import errors, process, state, tables
from vibackup.guest import Command, failure
from vibackup.masking import mask
from vibackup.names import printable, safe_name

SNAPSHOT, LIST, DELETE = "snapshot", "list", "delete"
COMMAND_SECONDS = 60  # no longer than a server may be frozen
LISTED_BYTES = 16 * 1024 * 1024  # of what a command prints: a list that is cut short tells nothing
LOOKS = 3
LOOK_PAUSE_SECONDS = 5
LAB_FOLDER = "model-array"

_PLACEHOLDERS = {SNAPSHOT: ("lun", "tag"), LIST: ("lun",), DELETE: ("lun", "tag")}
_KEYS = frozenset(list(_PLACEHOLDERS) + ["description", "lab", "example"])
_LUN = re.compile(r"(?!.*\.\.)[A-Za-z0-9_/][A-Za-z0-9_.:/@+=,-]*\Z")


class Array(object):
    """One storage array.

    ``name`` and ``description`` are text; ``for_lab``: it is a model, and good for labs alone; ``is_example``: it is
    there to be copied, and no machine has it.
    """

    def __init__(self, section):
        self.name = section.name
        self.description = section.line("description")
        self.for_lab = _yes(section, "lab")
        self.is_example = _yes(section, "example")
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
    sections = tables.shipped("arrays.ini", _KEYS) + tables.own(path, _KEYS)
    return dict((section.name, Array(section)) for section in sections)


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
    for key in (SNAPSHOT, LIST):
        if "lun" not in tables.placeholders_in(lines[key]):
            raise section.fault(key, "must hold {lun}")


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
        raise errors.ArrayFailed(_not_listed(facts))


def _not_listed(facts):
    return "array %s ended well, but does not list the snapshot %s of the LUN %s" % (
        facts["array"], facts["tag"], facts["lun"])


def answers(run, array, lun):
    """Refuse an array that is an example, or that does not list the snapshots of ``lun`` now; this changes nothing."""
    if array.is_example:
        raise errors.Refused("array %s is an example: copy its section into a file of yours, put your own array in, "
                             "and give it with --arrays" % array.name)
    try:
        _run_all(run, array.name, _as_lists(array.commands(LIST, lun)))
    except errors.ArrayFailed as error:
        raise errors.Refused("%s; look at it before a backup relies on it" % error.message)


def release(run, facts):
    """Delete the snapshot that ``facts`` of the ledger speak of, if the array lists it; what the catalog has is kept.

    facts: those of ``facts_of``, ``backup``, and ``taken`` where its command has ended well, ``listed`` where
    the array has listed it since. One that was taken and never listed is deleted all the same, and said.
    Raises ArrayFailed where the array cannot say whether it has it, or has it still.
    """
    doubt = _release(run, facts)
    if doubt is not None:
        run.warn(doubt)


def take_back(run, facts):
    """Do what ``release`` does in the run that took the snapshot; raise ArrayFailed also where it was never listed."""
    doubt = _release(run, facts)
    if doubt is not None:
        raise errors.ArrayFailed(doubt)


def _release(run, facts):
    """Delete the snapshot; return why nobody knows whether it is gone, or None."""
    if run.catalog.has(facts["backup"]):
        return None
    if _shows_in_the_end(run, facts):
        with run.step("delete snapshot", facts["lun"], facts["tag"]):
            _run_all(run, facts["array"], facts["delete"])
            if _shows(run, facts):
                raise errors.ArrayFailed("array %s ended well, but lists the snapshot %s of the LUN %s still" % (
                    facts["array"], facts["tag"], facts["lun"]))
        return None
    return _delete_unlisted(run, facts) if facts.get("taken") and not facts.get("listed") else None


def _delete_unlisted(run, facts):
    """Delete a snapshot that the array has taken, as it said, and does not list; return what a person must know."""
    outcome = "its delete ended well"
    try:
        with run.step("delete snapshot", facts["lun"], "%s, which is not listed" % facts["tag"]):
            _run_all(run, facts["array"], facts["delete"])
    except errors.ArrayFailed as error:
        outcome = "its delete failed (%s)" % error.message
    return "%s; %s: look on the array whether it is there" % (_not_listed(facts), outcome)


def _shows_in_the_end(run, facts):
    """Tell whether the array lists the snapshot; one that it has never listed may come a little later."""
    for number in range(1 if facts.get("listed") else LOOKS):
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
    said, place = [], _place(run.manager.lab)
    for argv, stdin, stdout in commands:
        completed = process.run(Command(argv, stdin, stdout), min(run.timeout, COMMAND_SECONDS),
                                should_stop=run.should_stop, cwd=place, kept=LISTED_BYTES)
        if completed.status != 0:
            run.check_stop()  # that is why it ended
            raise errors.ArrayFailed("array %s: %s: %s" % (name, argv[0], mask(failure(completed))))
        if len(completed.output.encode("utf-8")) >= LISTED_BYTES:
            raise errors.ArrayFailed("array %s: %s: printed more than %d bytes, the first of which are lost: have it "
                                     "list the snapshots of one LUN alone" % (name, argv[0], LISTED_BYTES))
        said.append(completed.output)
    return "\n".join(said)


def _place(lab):
    """Return the folder that commands run in, None for any: in a lab one that nothing else writes into."""
    return None if lab is None else state.folder(lab.folder, LAB_FOLDER)
