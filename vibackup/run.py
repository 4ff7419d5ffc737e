"""One run of a flow: who it is, what it works with, what it has done, and what it could not take back."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import time
import uuid

from vibackup import catalog, compat, errors, ledger, state
from vibackup.masking import mask

RELEASE_TRIES = 3
RELEASE_PAUSE_SECONDS = 5
OK, WARNING, FAILED = "ok", "warning", "failed"


class Run(object):
    """What every flow and step is given.

    ``manager``: a ``manager.Manager``. ``folder``: the state folder (ledger, locks, catalog).
    ``show``: told of each step and warning, see ``report``; None for silence. ``timeout``: how many
    seconds the backup itself may take. ``stop_status()`` is asked between steps and during waits for
    the exit status of a stop that was asked for, or None.
    """

    def __init__(self, manager, folder, verb, show=None, timeout=43200, stop_status=None):
        self.id = new_id()
        self.manager = manager
        self.folder = state.folder(folder)
        state.check_private(self.folder)
        self.verb = verb
        self.timeout = timeout
        self.ledger = ledger.Ledger(self.folder, self.id, verb, manager.name if manager is not None else None)
        self.catalog = catalog.Catalog(self.folder)
        self.steps = []
        self.warnings = []
        self.leftovers = []
        self._show = show
        self._stop_status = stop_status
        self._releasing = 0
        self._backups = 0
        self._begun = manager.clock.monotonic() if manager is not None else None

    def new_backup_id(self):
        """Return the id of this run's next backup: the run's own, and a number from the second on."""
        self._backups += 1
        return self.id if self._backups == 1 else "%s-%d" % (self.id, self._backups)

    def elapsed(self):
        """Return how many seconds the run has taken so far."""
        return round(self.manager.clock.monotonic() - self._begun, 3)

    def now(self):
        """Return the moment by the manager's wall clock, as text in UTC."""
        return _moment(self.manager.clock.time())

    # -- steps

    @contextlib.contextmanager
    def step(self, name, thing, detail=None):
        """Record and show one step, ``name`` done to the object called ``thing``; yields its record."""
        self.check_stop()
        clock = self.manager.clock
        begun = clock.monotonic()
        record = {"name": name, "object": thing, "started": self.now(), "seconds": None,
                  "outcome": None, "detail": detail}
        self.steps.append(record)
        self.show("begin", record)
        record["outcome"] = FAILED
        try:
            yield record
            record["outcome"] = OK
        except errors.VibackupError as error:
            if error.step is None:
                error.step, error.thing = name, thing
            record["detail"] = mask(error.message)
            raise
        finally:
            record["seconds"] = round(clock.monotonic() - begun, 3)
            self.show("end", record)

    def show(self, what, value):
        """Tell whoever watches."""
        if self._show is not None:
            self._show(what, value)

    def warn(self, words):
        """Record and show something that does not spoil the backup."""
        self.warnings.append(mask(words))
        self.show("warning", mask(words))

    # -- stopping

    def check_stop(self):
        """Raise Stopped where a stop was asked for; never while something is being taken back."""
        status = None if self._releasing else self.stop_status()
        if status:
            raise errors.Stopped(status)

    def should_stop(self):
        """Tell whether a stop was asked for, as a question for ``process.run``."""
        return bool(not self._releasing and self.stop_status())

    def stop_status(self):
        """Return the exit status of a stop that was asked for, or None, also while something is taken back."""
        return None if self._stop_status is None else self._stop_status()

    # -- taking back

    def release(self, number, function):
        """Take back what intent ``number`` stands for by calling ``function``; what fails is a leftover.

        A call that the manager refuses is tried again a few times: what is in use may be free soon.
        ``function`` does nothing where all is done already.
        """
        with self.releasing():
            try:
                self._try_again(function)
                self._check_doubt()
                self.ledger.released(number)
            except compat.FAULTS as error:
                words = ledger.describe(self.ledger.kind(number), self.ledger.facts(number))
                self.leftovers.append({"run": self.id, "what": mask(words), "reason": mask(compat.message(error))})
                self.show("leftover", self.leftovers[-1])

    def _check_doubt(self):
        if self.manager.doubt is not None:
            raise errors.VibackupError("%s, so nothing is certain: run vibackup reconcile --fix" % self.manager.doubt)

    def _try_again(self, function):
        for number in range(1, RELEASE_TRIES + 1):
            try:
                return function()
            except errors.ApiError:
                if number == RELEASE_TRIES:
                    raise
            self.manager.clock.sleep(RELEASE_PAUSE_SECONDS)

    @contextlib.contextmanager
    def releasing(self):
        """Let nothing stop what happens in the body: it takes back what must not stay."""
        self._releasing += 1
        try:
            yield
        finally:
            self._releasing -= 1

    @contextlib.contextmanager
    def held(self, things, despite_leftovers=False):
        """Hold the locks of ``things``, each ``(identity, name)``, for this run alone; see ``Ledger.take``."""
        taken = []
        try:
            for identity, name in sorted(set(things)):
                self.ledger.take(identity, name, despite_leftovers)
                taken.append(identity)
            yield
        finally:
            for identity in reversed(taken):
                self.ledger.give_back(identity)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def close(self):
        """End the run: its locks are free, its ledger stays only where something is left."""
        self.ledger.close()


def new_id():
    """Return the id of a run: the time for people, and enough chance that no two are the same."""
    return compat.text(time.strftime(str("%Y%m%d-%H%M%S-"), time.gmtime()) + uuid.uuid4().hex[:8])


def _moment(seconds):
    """Return a moment in seconds since 1970 as people and programs both read it (UTC)."""
    return compat.text(time.strftime(str("%Y-%m-%dT%H:%M:%SZ"), time.gmtime(seconds)))
