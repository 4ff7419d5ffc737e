"""The command line: argv to options, options to a flow, its outcome to print and an exit status.

The one module that prints results, and the one that exits.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import signal
import sys

from vibackup import catalog, compat, errors, options, report, site, verbs
from vibackup.faults import as_ours
from vibackup.masking import mask
from vibackup.names import printable
from vibackup.run import Run


def main_and_exit(verb=None, argv=None):
    """Run ``main`` and leave the process with its exit status. A script is this one call."""
    sys.exit(main(verb, argv))


def main(verb=None, argv=None):
    """Run ``verb``, or the verb that ``argv`` begins with; return the exit status.

    argv: as ``sys.argv`` is (the default); a first word that is no option is the program's own name,
    which some runners leave out.
    """
    words = compat.arguments(sys.argv if argv is None else argv)
    if words and not words[0].startswith("--"):
        words = words[1:]
    try:
        return Session(options.parse(verb, words)).run()
    except errors.VibackupError as error:
        if "--nagios" in words and (verb or words[0]) == "report":
            return _print_plugin(error.message)
        return _print_usage_error(error, words, verb)
    except SystemExit as error:
        return error.code or errors.DONE


def _print_usage_error(error, words, verb):
    if "--json" in words:
        lab = any(word.split("=")[0] == "--lab" for word in words)
        _print_json(report.document(verb or (words + [None])[0], None, None, lab, error.outcome, error.exit_status,
                                    error=error))
    _print(sys.stderr, "vibackup: %s\n" % printable(error.message))
    return error.exit_status


def _print_plugin(error, answer=None):
    """Print the output of a monitoring plugin and return its status: of ``answer``, or that ``error`` kept it from one.
    """
    from vibackup.fleet import monitoring  # no other command takes the time to load it
    status, words = answer or monitoring.of_error(error)
    return status if _print(sys.stdout, words) else monitoring.UNKNOWN


class Session(object):
    """One command: its site (real or lab), its run, and what it prints."""

    def __init__(self, parsed):
        self.options = parsed
        self.verb = verbs.module(parsed.verb)
        self.lab = None
        self.lab_is_ours = False
        self.run_ = None
        self.stop = 0  # the exit status of the first stop that was asked for
        self.stops = 0  # how many were
        self.more = {}
        self.plugin = hasattr(self.verb, "plugin") and self.verb.plugin(parsed)
        stream = None if self.plugin else sys.stderr if parsed.json else sys.stdout
        self.progress = report.Progress(stream, compat.is_terminal(stream))

    def run(self):
        """Do it, print its outcome, and return the exit status."""
        result = error = None
        handlers = self._catch_signals()
        try:
            self._open_lab()
            self.run_ = self._make_run()
            self._first_line()
            result = self.verb.carry_out(self)
        except compat.FAULTS as fault:
            error = as_ours(fault)
        finally:
            if self.run_ is not None:
                self.run_.close()
        try:
            return self._print_outcome(result, error)
        finally:
            if self.lab_is_ours:
                self.lab.close()
            for number, handler in handlers:
                signal.signal(number, handler)

    # -- the site

    def _open_lab(self):
        """Open the lab if one is asked for; one that was open before is not ours to close."""
        if self.options.lab is None:
            return
        from fakes import faults, model, opening
        already = model.VirtualizationManager.lab
        struck = [faults.parse(words) for words in self.options.lab_fault]
        self.lab = opening.open_lab(self.options.lab or None)
        self.lab_is_ours = self.lab is not already
        self.lab.faults.extend(struck)
        if self.options.lab_trace:
            self.lab.trace_to(self.options.lab_trace)

    def _make_run(self):
        manager = self._connect()
        return Run(manager, site.state_folder(self.options.state, self.lab), self.options.verb, self.progress.show,
                   self.options.timeout, lambda: self.stop)

    def _connect(self):
        """Return the manager, or None for what only reads the state folder: that works where there is no manager."""
        without_manager = getattr(self.verb, "without_manager", None)
        if without_manager is not None and without_manager(self.options):
            return None
        return site.connect() if self.lab is None else site.connect_lab(self.lab)

    # -- stopping

    def _catch_signals(self):
        """Ctrl-C, TERM and a closed terminal ask for a stop; what is ours is taken back first.

        Returns the handlers before.
        """
        before = []
        for number, status in _stop_signals():
            try:
                before.append((number, signal.signal(number, self._stopper(status))))
            except ValueError:
                return before  # not the main thread: whoever owns that decides
        return [(number, handler) for number, handler in before if handler is not None]

    def _stopper(self, status):
        def stop(_number, _frame):
            """Only ask for the stop: a signal may come at any moment, and what is under way must not break."""
            number = self.stops + 1
            self.stops, self.stop = number, self.stop or status  # before any call: there the next one may come
            words = self._words_of_stop(number)
            if self.progress.post(words):
                return
            try:
                compat.write_error_at_once("\n%s\n" % words)
            except (IOError, OSError):
                return  # nobody listens any more, which must not end what is under way
        return stop

    def _words_of_stop(self, number):
        """Return what is said of the ``number``th stop; of one that another has overtaken, no more than of that."""
        gently = self.verb.stopping(self.options) if hasattr(self.verb, "stopping") else None
        stages = ["taking back what is ours"] if gently is None else [gently, "taking back what is ours"]
        if number > len(stages) or gently is not None and self.stops > number:
            return "vibackup: still taking back what is ours"
        return "vibackup: stopping: %s" % stages[number - 1]

    # -- what is printed

    def _first_line(self):
        where = " in a lab: no real virtual server is touched" if self.lab is not None else ""
        subject = self._subject()
        if subject is not None:
            self.progress.line("vibackup %s of %s, run %s%s" % (
                self.options.verb, printable(mask(subject)), self.run_.id, where))
        elif where:
            self.progress.line("vibackup %s%s" % (self.options.verb, where))

    def _subject(self):
        """Return the name of what the verb works on, or None."""
        subject = getattr(self.verb, "subject", None)
        return subject(self.options) if subject is not None else getattr(self.options, "vs", None)

    def _print_outcome(self, result, error):
        if self.plugin:
            return _print_plugin(error and _in_full(error), self.more.get("plugin"))
        run = self.run_
        status = self._exit_status(result, error)
        if self.options.json:
            outcome = error.outcome if error else result.outcome if result else catalog.OK
            _print_json(report.document(self.options.verb, run, getattr(self.options, "vs", None), self.lab is not None,
                                        outcome, status, result and result.backup, error, **self.more))
        if error is not None:
            _print(sys.stderr, "vibackup: %s\n" % printable(mask(_in_full(error))))
        self._last_line(result, status)
        return status

    def _exit_status(self, result, error):
        if self.run_ is not None and self.run_.leftovers:
            return errors.LEFTOVERS
        if error is not None:
            return error.exit_status
        return errors.WARNINGS if result and result.outcome == catalog.WARNING else errors.DONE

    def _last_line(self, result, status):
        words = "exit status %d" % status
        if result:
            words = "done: %s" % printable(mask(result.words))
            words += {errors.WARNINGS: ", with warnings",
                      errors.LEFTOVERS: "; something was left behind: vibackup reconcile"}.get(status, "")
        elif status == errors.LEFTOVERS:
            words += ": something was left behind, see: vibackup reconcile"
        if self.run_ is not None and self.lab is not None:
            self.progress.line("%s (in a lab)" % words)
        elif result or status == errors.LEFTOVERS:
            self.progress.line(words)

    # -- what verbs call

    def parse(self, words):
        """Return the options in another command line, ``words``, without its program's name; raise UsageError."""
        return options.parse(None, words)

    def carry_out(self, plan, check, flow):
        """Carry out a flow; in a dry run make its checks, under the same locks, and say what it would do."""
        run = self.run_
        if not self.options.dry_run:
            return flow(run, plan)
        with run.held(plan.holds()):
            check(run, plan)
        lines = [mask(line) for line in plan.lines()]
        self.more.update(dry_run=True, plan=lines)
        self.lines(["would do, and changes nothing now:"] + ["  " + printable(line) for line in lines])
        return None

    def lines(self, lines):
        """Print lines that are a verb's result, unless the result is JSON."""
        if not self.options.json:
            for line in lines:
                self.progress.line(line)


def _stop_signals():
    """Return ``(number, exit status)`` of the signals that ask for a stop; not every system has the last."""
    found = [(signal.SIGINT, errors.INTERRUPTED), (signal.SIGTERM, errors.TERMINATED)]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as under nohup
        found.append((signal.SIGHUP, errors.TERMINATED))
    return found


def _in_full(error):
    """Return what an error says, with step and object in front where its own words lack the object."""
    if error.thing is not None and error.thing not in error.message:
        return "%s %s: %s" % (error.step, error.thing, error.message)
    return error.message


def _print_json(document):
    if not _print(sys.stdout, json.dumps(document, indent=1, sort_keys=True) + "\n"):
        _print(sys.stderr, "vibackup: the JSON document could not be written\n")


def _print(stream, words):
    """Write ``words``, if anybody reads them, and tell whether that worked; the exit status does not depend on it."""
    try:
        compat.write_text(stream, words)
        return True
    except (AttributeError, IOError, OSError, ValueError):
        return False
