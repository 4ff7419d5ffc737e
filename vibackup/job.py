"""One management transaction as a context manager: begin, the changes, commit; abort where any of it fails."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib

from vibackup import errors
from vibackup import manager as api


@contextlib.contextmanager
def job(manager, why, applied):
    """Run the body inside a job called ``why``.

    Where ``begin`` or the body fails the job is aborted and that error raised. Where ``commit`` fails
    it is aborted as best one can, and then ``applied()`` looks at the manager's state: when it says
    True the commit took effect and only its reply was lost, so all is well; otherwise the commit's
    error is raised.

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
        if not complete:
            _abort(made)
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
            _abort(made)
    if failure is not None and not _is_applied(applied):
        raise failure


def _is_applied(applied):
    """A state that cannot be read is no reason to believe in a commit that failed."""
    try:
        return applied()
    except errors.VibackupError:
        return False


def _abort(made):
    """Abort as best one can: the error that led here is the one to tell, and the state is read again anyway."""
    try:
        api.abort(made)
    except errors.VibackupError:
        return
