"""A lab: a running set of fakes, in memory or kept in a folder that several processes may share."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import os
import shutil
import sys
import uuid

import fakes
from fakes import dispatch, disks, events, guests, jobs, kinds, provisioning, servers, storage, threads  # noqa: F401
from fakes.clock import LabClock
from fakes.model import VirtualizationManager
from fakes.registry import World
from fakes.saved import SavedState
from vibackup import compat, errors, locks
from vibackup.masking import mask


class Lab(object):
    """The manager's objects, their disks and guests, virtual time, and what is to go wrong.

    ``folder`` holds device files, images and guests' homes, and with ``persistent`` the lab itself.
    """

    def __init__(self, folder, persistent):
        self.folder = folder = compat.text(folder)
        self.persistent = persistent
        self.gate = threads.Gate()
        self.threads = threads.Threads(self)
        self.world = World()
        self.pages = disks.FolderPages(os.path.join(folder, "layers")) if persistent else disks.MemoryPages()
        self.clock = LabClock(self)
        self.guests = guests.Guests(self)
        self.open_jobs = []
        self.faults = []
        self.calls = 0
        self.trace = None
        self.losing_events = False
        self.disturbed_events = None  # an ``events.Disturbance``, where a test wants one
        self.interrupt = None
        self.made_here = not persistent
        self.spec = None
        self.foundry_context = _Session("foundry-1", "foundry context")
        self._sessions = {self.foundry_context.id: self.foundry_context}
        self._session_number = 1
        self._depth = 0
        self.owner = dict(locks.this_process(), token=compat.text(uuid.uuid4().hex))
        self._saved = SavedState(folder, self.owner)
        self._events_by_id = {}

    # -- settings

    @property
    def missing(self):
        """The names of calls that this manager does not have."""
        return self.world.settings.get("missing", ())

    @property
    def event_mode(self):
        """Which events ``listenForEvents`` returns: one of ``events.MODES``."""
        return self.world.settings.get("events", events.AFTER_CALL)

    # -- handles and what is behind them

    def configuration_manager(self):
        """Return the handle that every script begins with."""
        manager = _Session("manager-1", "configuration manager")
        self._sessions[manager.id] = manager
        return dispatch.Handle(self, kinds.CONFIGURATION_MANAGER, manager.id)

    def new_session_id(self, prefix):
        """Return an id for something that lives in this process alone."""
        self._session_number += 1
        return "%s-%d" % (prefix, self._session_number)

    def keep_session(self, thing):
        """Remember a job or an event log, which live in this process alone; returns it."""
        self._sessions[thing.id] = thing
        return thing

    def target(self, kind, identity, gone=False):
        """Return what a handle stands for: a record, an event, a job or another session object.

        With ``gone``, the last record of an object that this process has seen removed is good enough.
        """
        if identity in self._sessions:
            return self._sessions[identity]
        if kinds.VIRTUAL_SERVER_EVENT.isAssignableFrom(kind):
            return self.event(identity)
        return self.world.last(identity) if gone else self.world.get(identity)

    def event(self, identity):
        """Return the event ``identity``."""
        if identity not in self._events_by_id:
            self._events_by_id = dict((event["id"], event) for event in self.world.events)
        return self._events_by_id[identity]

    def hand_out(self, result):
        """Return an operation's result as a script may hold it: handles instead of records."""
        if isinstance(result, list):
            return [self.hand_out(each) for each in result]
        if isinstance(result, dict):
            return dispatch.Handle(self, kinds.BY_NAME[result["kind"]], result["id"])
        kind = _SESSION_KINDS.get(type(result))
        if kind is not None:
            return dispatch.Handle(self, kind, result.id)
        return result

    def handle(self, record):
        """Return the handle of a record."""
        return self.hand_out(record)

    def describe(self, identity, kind):
        """Return an object as text, as Java's ``toString`` would."""
        if kinds.VIRTUAL_SERVER_EVENT.isAssignableFrom(kind):
            event = self.event(identity)
            server = self.world.objects.get(event["server"], {"name": event["server"]})
            return "%s of %s at %d" % (event["kind"], server["name"], event["time_ms"])
        thing = self._sessions.get(identity) or self.world.objects.get(identity)
        if thing is None:
            return "%s %s (gone)" % (kind.name, identity)
        return thing["name"] if isinstance(thing, dict) else thing.name

    # -- the gate's bookkeeping

    def count_call(self, handle, method, arguments):
        """Count and trace one call; returns its number, from 1."""
        self.calls += 1
        if self.trace is not None:
            words = " ".join([self.describe(handle._identity, handle._kind), method] +
                             [compat.text(each) for each in arguments])
            words = mask(words).replace("\n", "\\n").replace("\r", "\\r")
            line = "%d %s %s\n" % (self.calls, handle._kind.name, words)
            self.trace.write(line.encode("utf-8", "backslashreplace"))
            self.trace.flush()
        return self.calls

    def trace_to(self, path):
        """Write each call from now on as a line to the file ``path``."""
        try:
            self.trace = open(compat.native(path), "ab")
        except (IOError, OSError) as error:
            raise errors.UsageError("--lab-trace=%s: %s" % (path, compat.message(error)))

    def fault_for(self, number, method, handle):
        """Return the fault that strikes this call, or None."""
        name = self.describe(handle._identity, handle._kind) if self.faults else None
        for fault in self.faults:
            if fault.matches(number, method, name):
                fault.used()
                return fault
        return None

    def check_interrupt(self):
        """Raise what a test or a signal wants raised at the next call, if anything."""
        if self.interrupt is not None:
            error, self.interrupt = self.interrupt, None
            raise error

    def current_job(self):
        """Return the begun job that this thread's changes belong to."""
        return jobs.current(self.open_jobs)

    # -- time

    def wall_ms(self):
        """Return the manager's wall clock, in milliseconds since 1970."""
        self.refresh()
        return self.world.now_ms + self.world.wall_offset_ms

    def schedule(self, delay_ms, what, identity):
        """Have ``what`` (one of ``servers.happen``'s) happen to an object after ``delay_ms``."""
        number = self.world.next_number
        self.world.next_number += 1
        self.world.due.append({"at_ms": self.world.now_ms + delay_ms, "number": number,
                               "what": what, "id": identity})
        self.world.dirty = True

    def cancel_due(self, identity):
        """Let nothing that is due happen to the object any more."""
        self.world.due = [each for each in self.world.due if each["id"] != identity]

    def advance(self, milliseconds):
        """Let virtual time pass, and happen what is due."""
        if self.threads.taken_part:
            if milliseconds > 0:
                self.threads.wait(self.world.now_ms + milliseconds)
            return
        with self.gate:
            self.enter()
            try:
                end_ms = self.world.now_ms + milliseconds
                while self.world.now_ms < end_ms:
                    self.pass_time(end_ms)
            finally:
                self.leave()

    def step(self, end_ms):
        """Let time pass to the next thing that happens to anybody, or to ``end_ms`` where that is sooner."""
        was = (self.world.now_ms, len(self.world.events))
        self.wait(end_ms, lambda: (self.world.now_ms, len(self.world.events)) != was)

    def wait_for_event(self, end_ms):
        """The same, but with many threads not before there is an event."""
        count = len(self.world.events)
        self.wait(end_ms, lambda: len(self.world.events) != count)

    def wait(self, end_ms, holds):
        """Wait for ``holds()`` or the moment ``end_ms`` (None: for ever); alone, to the next thing that is due only."""
        if self.threads.taken_part:
            self.threads.wait(end_ms, holds)
            return
        moment = self.next_due_ms() if end_ms is None else end_ms
        if moment is None:
            raise threads.Stuck("nothing is due, so what is waited for will never happen")
        self.pass_time(moment)

    def pass_time(self, end_ms):
        """Let time pass to the next thing that is due, or to ``end_ms`` where that is sooner, and have that happen."""
        self.enter()
        try:
            moments = [end_ms, self.next_due_ms()]
            then_ms = max(self.world.now_ms, min(moment for moment in moments if moment is not None))
            storage.grow_snapshots(self, then_ms - self.world.now_ms)
            self.world.now_ms = then_ms
            self.world.dirty = True
            due = sorted((each for each in self.world.due if each["at_ms"] <= then_ms),
                         key=lambda each: (each["at_ms"], each["number"]))
            for each in due:
                if each in self.world.due:
                    self.world.due.remove(each)
                    servers.happen(self, each["what"], each["id"])
        finally:
            self.leave()
        with self.threads.alone():
            self.clock.fire(then_ms)

    def next_due_ms(self):
        """Return the moment of the next thing that is due, or None."""
        moments = [each["at_ms"] for each in self.world.due] + [self.clock.next_timer_ms()]
        moments = [moment for moment in moments if moment is not None]
        return min(moments) if moments else None

    # -- one process at a time

    def enter(self):
        """Begin a change of the lab: no other process changes it until ``leave``. Nests."""
        if self.persistent and self._depth == 0:
            somebody_died = self._saved.lock()
            try:
                self._load_if_changed()
                if somebody_died:
                    self._sweep()
            except Exception:
                self._saved.unlock()
                raise
        self._depth += 1

    def leave(self):
        """End a change of the lab: what is not yet on disk is saved."""
        try:
            if self._depth == 1 and self.world.dirty:
                self.save()
        finally:
            self._depth -= 1
            if self.persistent and self._depth == 0:
                self._saved.unlock()

    @contextlib.contextmanager
    def exclusive(self):
        """The two as a context manager."""
        with self.gate:
            self.enter()
            try:
                yield
            finally:
                self.leave()

    def _sweep(self):
        """Remove the layers that a killed process left unreferenced."""
        self.pages.keep_only(set(layer for record in self.world.objects.values() for layer in record.get("layers", ())))

    # -- on disk

    def refresh(self):
        """Read what another process saved since, unless a change of ours is under way."""
        if self.persistent and self._depth == 0:
            self._load_if_changed()

    def _load_if_changed(self):
        world = self._saved.read_if_changed()
        if world is not None:
            self.world = world
            self._events_by_id = {}

    def save(self):
        """Write the committed state in one atomic step."""
        self.world.dirty = False
        if self.persistent:
            self._saved.write(self.world)

    def close(self):
        """Release what this process holds; a lab that is not kept goes away."""
        if VirtualizationManager.lab is self:
            VirtualizationManager.lab = None
        if self.trace is not None:
            self.trace.close()
            self.trace = None
        if self.persistent:
            self._saved.unlock()
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # -- as a whole

    def dump(self):
        """Return the lab's committed state for comparing: ``{"clock_ms", "events", "objects"}``."""
        from fakes import dump
        return dump.dump(self)

    def install(self):
        """Make this the lab that scripts find under ``com.virtualiron``."""
        VirtualizationManager.lab = self
        if fakes.JAVA_API:
            from fakes import java_types
            java_types.stand_behind()
        elif fakes.FOLDER not in sys.path:
            sys.path.insert(0, fakes.FOLDER)  # in front, and in place of the JDK's package called com
            sys.modules.pop("com", None)
        return self

class _Session(object):
    def __init__(self, identity, name):
        self.id = identity
        self.name = name


_SESSION_KINDS = {jobs.Job: kinds.JOB, events.EventLog: kinds.EVENT_LOG, _Session: kinds.FOUNDRY_CONTEXT}
