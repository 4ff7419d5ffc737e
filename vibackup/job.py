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
    try:
        api.commit(made)
        return
    except errors.ApiError as error:
        failure = error
    _abort(made)
    if not applied():
        raise failure


def _abort(made):
    """Abort as best one can: the error that led here is the one to tell, and the state is read again anyway."""
    try:
        api.abort(made)
    except errors.VibackupError:
        return
