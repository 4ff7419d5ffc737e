"""The threads that share a lab's virtual time: exactly one runs, until it waits or ends, and then the next.

Who is next depends on virtual time and on the order in which they were started, and on nothing else: a run with
many threads is the same each time.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import heapq
import sys
import threading

JOIN_SECONDS = 0.05  # of real time; whoever waits longer at once hears of no signal


class Stuck(Exception):
    """Every thread waits for something that will never happen."""


class _Member(object):
    def __init__(self, function, number, parent):
        self.function = function
        self.number = number
        self.parent = parent
        self.children = 0
        self.turn = threading.Semaphore(0)
        self.until_ms = None
        self.holds = None
        self.error = None


class Threads(object):
    """The threads of one lab. The one that has them started waits for their end, and is one of them where it was."""

    def __init__(self, lab):
        self._lab = lab
        self._local = threading.local()
        self._count = 0
        self._ready = []       # (number) of those that could go on at once
        self._sleeping = []    # (until_ms, number, member); stale where the member goes by something else by now
        self._watching = []    # members that wait until something holds
        self._by_number = {}
        self._stuck = None

    @property
    def taken_part(self):
        """Whether this thread is one of them: then it must not let time pass by itself."""
        return getattr(self._local, "member", None) is not None

    @contextlib.contextmanager
    def alone(self):
        """Have the body let time pass by itself, on whichever thread it is: a timer goes off for nobody's turn."""
        member = getattr(self._local, "member", None)
        self._local.member = None
        try:
            yield
        finally:
            self._local.member = member

    def together(self, functions):
        """Run each of ``functions`` on a thread of its own; return when all have ended.

        Raises what the first of them raised, as it is numbered, once all are over.
        """
        parent = getattr(self._local, "member", None)
        members = [self._start(function, parent) for function in functions]
        if not members:
            return
        if parent is not None:
            parent.children = len(members)
            self._wait(parent, None, None)
        else:
            self._pass_on(None)
            for member in members:
                while member.thread.is_alive():
                    member.thread.join(JOIN_SECONDS)
        for member in members:
            if member.error is not None:
                raise member.error

    def _start(self, function, parent):
        self._count += 1
        member = _Member(function, self._count, parent)
        self._by_number[member.number] = member
        heapq.heappush(self._ready, member.number)
        member.thread = threading.Thread(target=self._be, args=(member,))
        member.thread.daemon = True
        member.thread.start()
        return member

    def _be(self, member):
        member.turn.acquire()
        self._local.member = member
        try:
            member.function()
        except BaseException:
            member.error = sys.exc_info()[1]
        finally:
            del self._by_number[member.number]
            if member.parent is not None:
                member.parent.children -= 1
                if not member.parent.children:
                    heapq.heappush(self._ready, member.parent.number)
            self._pass_on(None)

    def wait(self, until_ms, holds=None):
        """Let others run until the moment ``until_ms`` (None: for ever), or until ``holds()`` says True.

        That is asked again and again, on whichever thread, so it only looks.
        """
        self._wait(self._local.member, until_ms, holds)

    def _wait(self, member, until_ms, holds):
        member.until_ms, member.holds = until_ms, holds
        if until_ms is not None:
            heapq.heappush(self._sleeping, (until_ms, member.number, member))
        if holds is not None:
            self._watching.append(member)
        gate = self._lab.gate.let_go()
        self._pass_on(member)
        self._lab.gate.take(gate)
        if self._stuck is not None:
            raise self._stuck

    def _pass_on(self, member):
        """Give the turn to who is next, and wait for the next turn of ``member`` (None: it has ended)."""
        following = self._next()
        if following is member:
            return
        if following is not None:
            following.turn.release()
        if member is not None:
            member.turn.acquire()

    def _next(self):
        """Return the member that goes on, after as much time as has to pass for it; None where none is left."""
        while self._by_number:
            found = self._ready_now() or self._watched()
            if found is not None:
                return found
            if not self._pass_time():
                self._stuck = Stuck("every thread waits for what will never happen")
                for number in self._by_number:
                    heapq.heappush(self._ready, number)
        return None

    def _ready_now(self):
        while self._ready:
            member = self._by_number.get(heapq.heappop(self._ready))
            if member is not None:
                return self._wake(member)
        while self._sleeping and self._sleeping[0][0] <= self._lab.world.now_ms:
            until_ms, _number, member = heapq.heappop(self._sleeping)
            if member.until_ms == until_ms and member.number in self._by_number:
                return self._wake(member)
        return None

    def _watched(self):
        asked = set()
        for member in self._watching:
            if member.holds not in asked:
                if member.holds():
                    return self._wake(member)
                asked.add(member.holds)
        return None

    def _wake(self, member):
        if member.holds is not None:
            self._watching.remove(member)
        member.until_ms = member.holds = None
        return member

    def _pass_time(self):
        """Let time pass to the next moment at which anything may change; tells whether there is one."""
        while self._sleeping and self._sleeping[0][2].until_ms != self._sleeping[0][0]:
            heapq.heappop(self._sleeping)
        end_ms = self._sleeping[0][0] if self._sleeping else self._lab.next_due_ms()
        if end_ms is None:
            return False
        self._lab.pass_time(end_ms)
        return True


class Gate(object):
    """What a thread passes to touch the lab, as often as it likes; it can be left in the middle, and taken again."""

    def __init__(self):
        self._lock = threading.RLock()
        self._depth = 0

    def __enter__(self):
        self._lock.acquire()
        self._depth += 1

    def __exit__(self, *_error):
        self._depth -= 1
        self._lock.release()

    def let_go(self):
        """Leave it altogether, in the thread that may be in it; returns how often it was passed, for ``take``."""
        depth = self._depth
        for _time in range(depth):
            self.__exit__()
        return depth

    def take(self, depth):
        """Pass it so many times."""
        for _time in range(depth):
            self.__enter__()
