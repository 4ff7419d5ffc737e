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

    Where ``commit`` fails it is aborted as best one can, and committed once more where it cannot be: a job
    that is open still has changed what one reads, and nothing of that is true yet. Then ``applied()`` looks at
    the manager's state: when it says True the commit took effect and only its reply was lost, so all is well;
    otherwise the commit's error is raised. A state that cannot be read is no reason to believe in a commit
    that failed, and the error says that nobody can tell.

    The paper's appendix, with its own faults left out: no abort of a job that was never made, and
    nothing goes on after an abort.
    """
    with manager.jobs.taken():  # nobody knows whether a manager tells the jobs of two threads apart
        made = manager.create_job(why)
        complete = False
        try:
            api.begin(made)
            yield made
            complete = True
        finally:
            if not complete and not _aborted(made):
                manager.doubt = "the job %s failed, and could not be aborted" % why
        _commit(manager, made, why, applied)


def _commit(manager, made, why, applied):
    failure, ended, aborted = None, False, False
    try:
        api.commit(made)
        ended = True
    except errors.ApiError as error:
        failure = error
    finally:
        if not ended:  # also where it was interrupted
            aborted = _aborted(made)
    if failure is None:
        return
    again = not aborted and _is_committed_now(manager, made, why)
    known = _is_applied(applied)
    if known or (again and known is None):
        return
    if known is None:
        failure.message += "; nobody can tell now whether it was done all the same"
    raise failure


def _is_committed_now(manager, made, why):
    """Commit a job that may still be open; tell whether that worked. One that has ended refuses it.

    Where there is no answer, it may be open still: then what is read of the manager may never become true.
    """
    try:
        api.commit(made)
        return True
    except errors.ManagerGone:
        manager.doubt = "the job %s failed, and may still be open" % why
        return False
    except errors.ApiError:
        return False


def _is_applied(applied):
    """Return what ``applied`` says, or None where the state cannot be read, also at another look."""
    for _look in range(TRIES):
        try:
            return bool(applied())
        except errors.BadImage:
            return False
        except errors.VibackupError:
            continue
    return None


def _aborted(made):
    """Abort as best one can, and tell whether that worked: what a job left open has changed looks like the truth."""
    for _try in range(TRIES):
        try:
            api.abort(made)
            return True
        except errors.VibackupError:
            continue
    return False
