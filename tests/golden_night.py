# -*- coding: utf-8 -*-
"""One night of twelve servers as its journal tells it, the same on every interpreter: ``tests/golden_night.txt``.

After a change of the plan, or of what a night writes down, that is meant::

    python3 -m tests.golden_night > tests/golden_night.txt

and look at what has changed there.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import json
import os
import re
import shutil
import tempfile

from tests.flows import fleets
from tests.lab_nights import Ground
from vibackup import compat

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), str("golden_night.txt"))
_RUN = re.compile("[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")
SECTIONS = {"by proxy": {"names": "web*", "exclude": "web09", "location": "tsm1"},
            "in them": {"names": "web09, gone01", "technique": "agent-backup", "proxies": None, "location": "tsm2"}}


def lines():
    """Let the night pass in a lab of its own; return its journal, a line each, without what differs from run to run."""
    folder = tempfile.mkdtemp(prefix=str("vibackup-golden-"))
    sizes = dict(("web%02d" % number, {"boot_seconds": 20 + number}) for number in (3, 7))
    ground = Ground(folder, fleets.inventory(12, rate=8192, **sizes))
    try:
        with fleets.guests_do(ground, fleets.failing("web05", "web11")):
            ground.pass_(SECTIONS)
        return [_line(line, ground) for line in ground.last()._lines]
    finally:
        ground.close()
        shutil.rmtree(folder)


def _line(line, ground):
    """Return a record as JSON with sorted keys; the lab's own folder and the ids of runs are named by what they are."""
    words = json.dumps(line, sort_keys=True, separators=(", ", ": "))
    for path, name in ((ground.folder, "FOLDER"), (compat.text(ground.lab.folder), "LAB")):
        words = words.replace(json.dumps(path)[1:-1], name)
    return compat.text(_RUN.sub("RUN", words))


def kept():
    """Return the lines of the golden night."""
    with io.open(PATH, encoding="utf-8") as stream:
        return stream.read().splitlines()


if __name__ == "__main__":
    print("\n".join(lines()))
