"""What a person sees of a night while it passes: a live view on a terminal, plain lines elsewhere."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import threading

from vibackup import compat
from vibackup.columns import fitted, width
from vibackup.fleet import words as said
from vibackup.fleet.estimate import Estimate
from vibackup.fleet.nightly import FAILED, OK, RUNNING, SKIPPED, STOPPED, WARNING
from vibackup.fleet.window import DAY
from vibackup.masking import mask
from vibackup.names import printable
from vibackup.report import duration

WAITING, READ = "waiting", "read"
TENTHS = 10  # so often are the totals told where there is no terminal
FEWEST_BETWEEN = 10  # servers, between two of them
NARROWEST = 12  # columns for the names of servers, whatever stands beside them
LONGEST_PROXY = 24  # columns
NO_PROXY = "in the servers"
_DOING = {"freeze": "taking snapshots", "snapshot": "taking snapshots", "thaw": "taking snapshots",
          "attach": "attaching disks", "reboot": "rebooting", "start": "rebooting", "find disks": "looking for disks",
          "read": "waiting for its turn to read", "detach": "detaching disks", "delete snapshot": "deleting snapshots"}


class Counts(object):
    """How many servers are waiting, running, read (the clean-up is not done) or over, and how. names: theirs."""

    def __init__(self, names):
        self._states = dict((name, WAITING) for name in names)
        self._found = collections.Counter(self._states.values())

    def set(self, vs, state):
        """Take what a server is now; return what it was."""
        before = self._states.get(vs)
        self._found[before] -= 1 if before is not None else 0
        self._states[vs] = state
        self._found[state] += 1
        return before

    @property
    def all(self):
        """How many there are."""
        return len(self._states)

    @property
    def over(self):
        """How many have been tried or skipped, and are not tried now."""
        return self.all - sum(self._found[state] for state in (WAITING, RUNNING, READ))

    def pieces(self, end=None):
        """Return the totals as a list of pieces of a line, the most important first. end: words, or None."""
        done = self._found[OK] + self._found[WARNING]
        counted = [(self._found[state], words) for state, words in (
            (FAILED, "failed"), (STOPPED, "stopped"), (WARNING, "warned"), (SKIPPED, "skipped"), (RUNNING, "running"))]
        last = [(self._found[state], state) for state in (WAITING, READ)]
        return (["%d of %d done" % (done, self.all)] + _counted(counted) + ([end] if end else []) + _counted(last))


def _counted(pairs):
    return ["%d %s" % pair for pair in pairs if pair[0]]


class Lane(object):
    """What a proxy does now, or where ``name`` is None the agents in the servers themselves."""

    def __init__(self, name):
        self._name = name
        self._batch = None
        self._servers = set()  # taken up, and not over
        self._reading = collections.OrderedDict()  # since when by server
        self._doing, self._since = None, 0

    @property
    def is_at_work(self):
        """Whether anything of it is not over."""
        return bool(self._servers or self._reading)

    def take_up(self, batch, servers):
        """It begins the batch of that number, which has the servers of those names."""
        self._batch = batch
        self._servers.update(servers)

    def do(self, step, moment):
        """It begins a step, by its name, at a moment (monotonic); it may be one that nobody needs to see."""
        if step in _DOING and _DOING[step] != self._doing:
            self._doing, self._since = _DOING[step], moment

    def begin(self, vs, moment):
        """An agent begins to read the server ``vs`` at a moment (monotonic)."""
        self._reading[vs] = moment

    def has_read(self, vs, moment):
        """That agent has ended."""
        self._doing, self._since = _DOING["read"], moment
        self._reading.pop(vs, None)

    def over(self, vs):
        """It has nothing to do any more with a server."""
        self._servers.discard(vs)
        self._reading.pop(vs, None)

    @property
    def reading(self):
        """Pairs of a server and since when its disks have been read."""
        return list(self._reading.items())

    def line(self, columns, moment):
        """Return what it does at a moment (monotonic), in one line of so many columns at the most."""
        name = fitted(_shown(self._name or NO_PROXY), max(LONGEST_PROXY, columns // 3))
        head = "%s: %s" % (name, "" if self._batch is None else "batch %d: " % self._batch)
        if not self._reading:
            return fitted("%s%s for %s" % (head, self._doing or "beginning", _for(moment - self._since)), columns)
        head += "running in " if self._name is None else "reading "
        tail = " for %s" % _for(moment - min(self._reading.values()))
        room = columns - width(head) - width(tail)
        return fitted(head + fitted(_joined(self._reading, room), max(NARROWEST, room)) + tail, columns)


def _joined(names, room):
    """Return as many names as there is room for, and how many more there are."""
    names, found = [_shown(name) for name in names], []
    for name in names:
        left = len(names) - len(found) - 1
        if found and width(", ".join(found + [name]) + (" and %d more" % left if left else "")) > room:
            return "%s and %d more" % (", ".join(found), left + 1)
        found.append(name)
    return ", ".join(found)


class View(object):
    """What the block on a terminal shows of a night that begins now.

    prepared: the ``night.Prepared``. counts: its Counts. clock: the manager's. ending: its ``ending.Ending``.
    """

    def __init__(self, prepared, counts, clock, ending):
        self._ending = ending
        self._counts = counts
        self._begun = self._moment = clock.monotonic()
        self._since_1970 = clock.time() - self._begun
        self._estimate = Estimate(prepared.plan)
        self._seconds = dict((start.task.member.server.name, start.task.seconds)
                             for batch in prepared.plan.batches for start in batch.starts)
        self._work = 0  # seconds of the plan's that are done
        self._real = compat.monotonic()
        self._lanes = collections.OrderedDict()
        for name in [proxy.server.name for proxy in prepared.proxies] + [None]:
            self._lanes[name] = Lane(name)

    def at(self, moment):
        """Take the manager's moment (monotonic) of what is told next."""
        self._moment, self._real = moment, compat.monotonic()

    def lane(self, proxy):
        """Return the Lane of the proxy of that name; None: that of the agents in the servers themselves."""
        return self._lanes[proxy]

    def _now(self):
        """Return the moment without asking the manager, whose time another thread may hold."""
        return self._moment + compat.monotonic() - self._real

    def changes(self, vs, before, state):
        """A server has been in one state and is in another now."""
        undone = (None, WAITING, RUNNING)
        if before in undone and state not in undone:
            self._work += self._seconds.get(vs, 0)
        elif before not in undone and state in undone:
            self._work -= self._seconds.get(vs, 0)

    def lines(self, columns, most):
        """Return the lines: at the most so many, of so many columns."""
        moment = self._now()
        found = [self._totals(columns, moment)]
        found += [lane.line(columns, moment) for lane in self._lanes.values() if lane.is_at_work]
        if len(found) > most:
            left = len(found) - max(1, most - 1)
            found = found[:max(1, most - 1)] + ([fitted("and %d more proxies" % left, columns)] if most > 1 else [])
        return found

    def _totals(self, columns, moment):
        pieces = self._counts.pieces("end " + _clock(self._end(moment), moment + self._since_1970))
        while len(pieces) > 1 and width(", ".join(pieces)) > columns:
            pieces.pop()
        return fitted(", ".join(pieces), columns)

    def _end(self, moment):
        """Return about when it will be over, seconds since 1970."""
        running = sum(min(moment - since, self._seconds.get(vs, 0))
                      for lane in self._lanes.values() for vs, since in lane.reading)
        end = moment + self._since_1970 + self._estimate.left(self._work + running, moment - self._begun)
        latest = self._ending.latest()
        return end if latest is None else min(end, max(latest, moment + self._since_1970))


class Watcher(object):
    """Shows what a ``run.Night`` tells on ``progress`` (a ``report.Progress``), until it is left.

    clock: the manager's. prepared: the ``night.Prepared``. ending: its ``ending.Ending``.
    """

    def __init__(self, progress, clock, prepared, ending):
        self._progress, self._clock = progress, clock
        self._lock = threading.Lock()
        self._counts = Counts(start.task.member.server.name
                              for batch in prepared.plan.batches for start in batch.starts)
        self._begun = clock.monotonic()
        self._view = View(prepared, self._counts, clock, ending) if progress.has_block else None
        self._block = progress.block(self._lines) if self._view is not None else None
        self._between = max(FEWEST_BETWEEN, -(-self._counts.all // TENTHS))
        self._tenths = 0
        self._totals = None

    def __enter__(self):
        if self._block is not None:
            self._block.__enter__()
        return self

    def __exit__(self, error, *_where):
        try:
            if self._counts.over:  # where an error has ended it, the manager may not even tell the time
                self._tell_totals("took " + duration(self._clock.monotonic() - self._begun) if error is None else None)
        finally:
            if self._block is not None:
                self._block.__exit__(None, None, None)

    def _lines(self, columns, most):
        with self._lock:
            return self._view.lines(columns, most)

    def tell(self, kind, facts):
        """Take what the night tells, on whichever thread."""
        if self._view is None and kind == "step":
            return
        moment = None if self._view is None else self._clock.monotonic()  # nobody waits for the manager with the lock
        with self._lock:
            if self._view is not None:
                self._view.at(moment)
            getattr(self, str("_" + kind))(facts, moment)

    # -- what changes the view alone

    def _set(self, vs, state):
        before = self._counts.set(vs, state)
        if self._view is not None:
            self._view.changes(vs, before, state)

    def _begin(self, facts, moment):
        self._set(facts["vs"], RUNNING)
        if self._view is not None:
            self._view.lane(facts["proxy"]).begin(facts["vs"], moment)

    def _read(self, facts, moment):
        self._set(facts["vs"], READ)
        if self._view is not None:
            self._view.lane(facts["proxy"]).has_read(facts["vs"], moment)

    def _step(self, facts, moment):
        self._view.lane(facts["proxy"]).do(facts["step"], moment)

    # -- what is printed, too

    def _line(self, words):
        self._progress.line(_shown(words))

    def _proxy(self, facts, _moment):
        if self._view is not None:
            self._view.lane(facts["proxy"]).take_up(facts["batch"], facts["servers"])
        elif facts["servers"]:
            self._line("%s: batch %d: %s" % (facts["proxy"], facts["batch"],
                                             said.count(len(facts["servers"]), "server")))

    def _reboot(self, facts, _moment):
        if facts["outcome"] != OK:
            self._line("%s: reboot failed: %s" % (facts["proxy"], facts["why"]))

    def _backup(self, facts, _moment):
        self._set(facts["vs"], facts["outcome"])
        if self._view is not None:
            self._view.lane(facts["proxy"]).over(facts["vs"])
        if self._view is None or facts["outcome"] != OK:
            self._line("%s  %s%s%s%s" % (facts["vs"], facts["outcome"],
                                         "  " + duration(facts["seconds"]) if facts["seconds"] is not None else "",
                                         ", try %d" % facts["attempt"] if facts["attempt"] > 1 else "",
                                         ": " + facts["why"] if facts["why"] else ""))
        for words in facts["warnings"]:
            self._line("warning: %s" % words)
        self._left_behind(facts)
        self._maybe_tell_totals()

    def _left_behind(self, facts):
        for each in facts["leftovers"]:
            self._line("LEFT BEHIND: %s: %s" % (each["what"], each["reason"]))

    def _skipped(self, facts, _moment):
        self._set(facts["vs"], SKIPPED)
        if self._view is None:
            self._line("%s  not tried: %s" % (facts["vs"], facts["why"]))
            self._maybe_tell_totals()

    def _pruned(self, facts, _moment):
        if self._view is None or facts["why"]:
            words, why = ("could not prune", ": " + facts["why"]) if facts["why"] else ("pruned", "")
            self._line("%s  %s %s%s" % (facts["vs"], words, facts["backup"], why))
        self._left_behind(facts)

    def _warning(self, words, _moment):
        self._line("warning: %s" % words)

    def _maybe_tell_totals(self):
        tenths = self._counts.over // self._between
        if self._view is None and tenths > self._tenths and self._counts.over < self._counts.all:
            self._tenths = tenths
            self._tell_totals()

    def _tell_totals(self, more=None):
        self._line(", ".join(self._counts.pieces(more)))


def _shown(words):
    return printable(mask(words))


def _for(seconds):
    return "%d s" % max(0, seconds) if seconds < 60 else duration(seconds)


def _clock(moment, now):
    """Return a moment by the local clock of the machine, with its day where that is not near."""
    return said.moment(moment, "%H:%M" if moment - now < DAY else "%a %H:%M")
