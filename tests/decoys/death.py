"""The death of a process, played in this one: whatever it would do after that moment is undone."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import copy
import os
import shutil

from fakes import faults
from fakes.registry import World
from tests.decoys.patching import patched
from vibackup import compat, locks, state

PHASES = ("before", "after")


class Death(BaseException):
    """Nothing catches this, and nothing that the process did after it counts."""


class Dying(object):
    """A process that dies at a moment of its own: at a call of the manager, or at a line of its ledger.

    moment: ``("call" or "change" or "line", its number from 1, "before" or "after")``. ``dead``: whether it has died.
    """

    def __init__(self, lab, guard, moment):
        self._lab, self._guard = lab, guard
        self._what, self._number, self._phase = moment
        self._seen = 0
        self._saved = None
        self.dead = False

    @contextlib.contextmanager
    def living(self):
        """Have the process live in the body, whatever happens; afterwards all is as in the moment of its death."""
        me = dict(locks.this_process(), started="gone")
        self._guard.strike = self._at_a_call
        with patched(locks, "this_process", lambda: me), patched(faults, "strike", self._strike), \
                patched(state, "append_line", self._append_line(state.append_line)):
            try:
                yield
            except Death:
                pass
            finally:
                self._guard.strike = None
        if self.dead:
            self._bring_back()

    def _at_a_call(self, number, changes):
        if self.dead:
            raise Death()
        if self._what == "call" or (self._what == "change" and changes):
            self._seen += 1
            if self._seen == self._number and self._phase == "before":
                self._die()
            elif self._seen == self._number:
                self._lab.faults.append(faults.Fault("after", "die", number=number))

    def _strike(self, _lab, fault, _call):
        assert fault.action == "die"
        self._die()

    def _append_line(self, real):
        def append(path, value):
            """A line that is torn is as good as one that was never begun."""
            if self.dead:
                raise Death()
            self._seen += self._what == "line"
            now = self._what == "line" and self._seen == self._number
            if now and self._phase == "before":
                self._die()
            real(path, value)
            if now:
                self._die()
        return append

    def _die(self):
        self.dead = True
        lab, folder = self._lab, compat.native(self._lab.folder)
        self._saved = (copy.deepcopy(lab.world.as_state()), dict((layer, dict(pages)) for layer, pages in
                                                                  lab.pages._layers.items()))
        shutil.copytree(folder, folder + ".saved")
        raise Death()

    def _bring_back(self):
        lab, folder = self._lab, compat.native(self._lab.folder)
        found, lab.pages._layers = self._saved
        lab.world = World(dict(found, copies=[]))
        lab.open_jobs, lab.faults, lab.clock.timers, lab._events_by_id = [], [], [], {}
        lab._depth = 0
        lab.losing_events = False
        shutil.rmtree(folder)
        os.rename(folder + ".saved", folder)
