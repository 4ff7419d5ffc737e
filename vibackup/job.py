"""One management transaction as a context manager: begin, the changes, commit; abort where any of it fails."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib

from vibackup import errors
from vibackup import manager as api


TRIES = 3


@contextlib.contextmanager
def job(manager, why, applied):
    """Run the body inside a job called ``why``.

    Where ``begin`` or the body fails the job is aborted and that error raised; where it cannot be aborted
    either, ``manager.doubt`` says so, for then what is read of the manager may never become true.

    Where ``commit`` fails it is aborted as best one can, and then ``applied()`` looks at the manager's
    state: when it says True the commit took effect and only its reply was lost, so all is well;
    otherwise the commit's error is raised.

    The paper's appendix, with its own faults left out: no abort of a job that was never made, and
    nothing goes on after an abort.
    """
    made = manager.create_job(why)
    complete = False
    try:
        api.begin(made)
        yield made
        complete = True
    finally:
        if not complete and not _aborted(made):
            manager.doubt = "the job %s failed, and could not be aborted" % why
    _commit(made, applied)


def _commit(made, applied):
    failure, ended = None, False
    try:
        api.commit(made)
        ended = True
    except errors.ApiError as error:
        failure = error
    finally:
        if not ended:  # also where it was interrupted
            _aborted(made)
    if failure is not None and not _is_applied(applied):
        raise failure


def _is_applied(applied):
    """A state that cannot be read, also at another look, is no reason to believe in a commit that failed."""
    for _look in range(TRIES):
        try:
            return applied()
        except errors.VibackupError:
            continue
    return False


def _aborted(made):
    """Abort as best one can, and tell whether that worked: what a job left open has changed looks like the truth."""
    for _try in range(TRIES):
        try:
            api.abort(made)
            return True
        except errors.VibackupError:
            continue
    return False
