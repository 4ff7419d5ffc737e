# -*- coding: utf-8 -*-
"""A storage array made of files: real commands that copy, list and remove, and go wrong when told to."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os

from tests.flows.helpers import compat, named, small, write_words

TABLE = """
[files]
description = an array made of files
lab = yes
snapshot = sh '{folder}/array.sh' '{folder}' snapshot {{lun}} {{tag}}
list = sh '{folder}/array.sh' '{folder}' list {{lun}}
delete = sh '{folder}/array.sh' '{folder}' delete {{lun}} {{tag}}
"""

# The file "fault" says what happens at the command whose number "fault_at" holds; "broken" names what never works.
SCRIPT = """
cd "$1" || exit 1
number=$(($(cat count) + 1))
echo "$number" >count
echo "$2" >>log
fault=none
[ "$number" != "$(cat fault_at)" ] || fault=$(cat fault)
case $fault in
    before) echo "array: out of order" >&2; exit 1 ;;
    hang) exec tail -f /dev/null ;;
    INT | TERM) kill -"$fault" "$PPID"; exec tail -f /dev/null ;;
    forgets) exit 0 ;;
esac
if grep -qx "$2" broken; then echo "array: $2 is not to be had" >&2; exit 1; fi
case $2 in
    snapshot) mkdir -p "snapshots/$3" && cp -- "luns/$3" "snapshots/$3/$4" ;;
    list)
        mkdir -p "snapshots/$3" || exit
        [ -e hidden ] || ls -- "snapshots/$3" || exit
        [ ! -e many ] || yes "weekly-snapshot-of-another-volume" | head -n 10000
        ;;
    delete) rm -- "snapshots/$3/$4" ;;
esac || exit
[ "$fault" != KILL ] || kill -KILL "$PPID"
[ "$fault" != after ]
"""


class FileArray(object):
    """The array in ``folder``. ``luns``: bytes by name of the LUN."""

    def __init__(self, folder, luns):
        self.folder = os.path.join(compat.text(folder), "array")
        for name in ("luns", "snapshots"):
            os.makedirs(compat.native(os.path.join(self.folder, name)))
        for name, content in luns.items():
            with open(compat.native(os.path.join(self.folder, "luns", name)), "wb") as stream:
                stream.write(content)
        self._write("array.sh", SCRIPT)
        self.table = self._write("arrays.ini", TABLE.format(folder=self.folder))
        self._write("log", "")
        self.works()

    def _write(self, name, words):
        return write_words(os.path.join(self.folder, name), words)

    @property
    def options(self):
        """The options that choose this array."""
        return ["--arrays=" + self.table, "--array=files"]

    # -- going wrong

    def works(self):
        """Let all commands work, and count them from 1 again."""
        for name, words in (("count", "0"), ("fault_at", ""), ("fault", ""), ("broken", "")):
            self._write(name, words + "\n")

    def fails_at(self, number, fault):
        """Let the ``number``th command from now on go wrong.

        fault: before or after its effect; forgets: it does nothing and says that all is well; hang; INT or TERM: it
        sends that signal to vibackup; KILL: the same after its effect.
        """
        self._write("count", "0\n")
        self._write("fault_at", "%d\n" % number)
        self._write("fault", fault + "\n")

    def breaks(self, command):
        """Let no ``command`` (snapshot, list or delete) work any more."""
        self._write("broken", command + "\n")

    def hides(self, hidden):
        """Let the list show nothing of what there is, or everything again."""
        if hidden:
            self._write("hidden", "")
        else:
            os.remove(compat.native(os.path.join(self.folder, "hidden")))

    def has_many_more(self):
        """Let the list go on with ten thousand snapshots of others."""
        self._write("many", "")

    # -- looking

    @property
    def commands(self):
        """The commands that it was given since it was made."""
        with io.open(compat.native(os.path.join(self.folder, "log")), encoding="utf-8") as stream:
            return stream.read().split()

    def snapshots(self, lun):
        """Return the names of the snapshots of ``lun``."""
        folder = compat.native(os.path.join(self.folder, "snapshots", lun))
        return sorted(compat.text(name) for name in os.listdir(folder)) if os.path.isdir(folder) else []

    def path(self, lun, tag):
        return os.path.join(self.folder, "snapshots", lun, tag)

    def content(self, lun, tag):
        """Return the bytes of a snapshot."""
        with open(compat.native(self.path(lun, tag)), "rb") as stream:
            return stream.read()


def mixed(luns=("LUN-1",), logical=True):
    """Return ``small()`` whose web01 has a raw disk for each of ``luns``, behind its logical one or without it."""
    found = small()
    names = ["web01 %s" % lun for lun in luns]
    found["disks"] += [{"name": name, "lun": lun, "bytes": 65536, "content": {"boot": True, "fill": name}}
                       for name, lun in zip(names, luns)]
    web01 = named(found["servers"], "web01")
    web01["devices"] = (web01["devices"] if logical else []) + names
    return found


def array_of(stage, luns=("LUN-1",)):
    """Return a FileArray that has the raw disks of ``mixed(luns)`` as the stage's lab has them."""
    return FileArray(stage.folder, dict((lun, stage.content("web01 %s" % lun)) for lun in luns))
