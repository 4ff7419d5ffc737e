"""What a person sees of a night while it passes: a live view on a terminal, plain lines elsewhere."""
from __future__ import absolute_import, division, print_function, unicode_literals

import threading

from vibackup.masking import mask
from vibackup.names import printable
from vibackup.report import duration


class Watcher(object):
    """Shows what a ``run.Night`` tells, on ``progress`` (a ``report.Progress``). prepared: the ``night.Prepared``."""

    def __init__(self, progress, clock, prepared):
        self._progress, self._clock = progress, clock
        self._lock = threading.Lock()
        self._all = len(prepared.members)
        self._over = 0

    def tell(self, kind, facts):
        """Take what the night tells, on whichever thread."""
        with self._lock:
            getattr(self, str("_" + kind))(facts)

    def _begin(self, facts):
        return

    _proxy = _reboot = _begin

    def _line(self, words):
        self._progress.line(printable(mask(words)))

    def _backup(self, facts):
        self._over += 1
        self._line("%s  %s%s%s" % (facts["vs"], facts["outcome"],
                                 "  " + duration(facts["seconds"]) if facts["seconds"] is not None else "",
                                 ": " + facts["why"] if facts["why"] else ""))
        for words in facts["warnings"]:
            self._line("warning: %s" % words)

    def _skipped(self, facts):
        self._line("%s  not tried: %s" % (facts["vs"], facts["why"]))

    def _pruned(self, facts):
        self._line("%s  pruned %s%s" % (facts["vs"], facts["backup"], ": " + facts["why"] if facts["why"] else ""))

    def _warning(self, words):
        self._line("warning: %s" % words)
