"""Run any script in a lab, as Virtual Iron's runner runs it on the VM server."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import sys

import fakes
from fakes.opening import open_lab
from vibackup import compat, errors


def run(words):
    """Run ``--inputfile=SCRIPT --lab[=DIR] options`` and return the exit status.

    The script finds ``com.virtualiron.vce.mgmt.api`` and ``java.lang``, and all the words in
    ``sys.argv`` behind its own name, as under the real runner.
    """
    try:
        script = _value(words, "--inputfile=")
        if script is None:
            raise errors.UsageError("which script? Give --inputfile=SCRIPT")
        code = _compile(script)
        opened = _open(words)
    except errors.VibackupError as error:
        compat.write_text(sys.stderr, "runner: %s\n" % error.message)
        return error.exit_status
    try:
        return _execute(code, script, words)
    finally:
        if opened is not None:
            opened.close()


def _open(words):
    """Open the lab that the words ask for; without ``--lab`` (only ``--help``) there is none."""
    folder = _value(words, "--lab=")
    if folder is None and str("--lab") not in words:
        return None
    return open_lab(None if folder is None else compat.arguments([folder])[0])


def _value(words, option):
    option = str(option)  # on Python 2 the words are bytes, and need not be ASCII
    found = [word[len(option):] for word in words if word.startswith(option)]
    return found[-1] if found else None


def _compile(script):
    try:
        with open(script, "rb") as stream:
            source = stream.read()
    except (IOError, OSError) as error:
        raise errors.UsageError("%s: %s" % (compat.text(script), compat.message(error)))
    try:
        return compile(source, script, str("exec"), 0, True)
    except SyntaxError as error:
        raise errors.UsageError("%s: line %s: not for this Python (%d.%d): %s; choose another with VIBACKUP_PYTHON" % (
            compat.text(script), error.lineno, sys.version_info[0], sys.version_info[1], error.msg))


def _execute(code, script, words):
    if fakes.JAVA_API:
        from fakes import java_types
        java_types.add_to_text()
    sys.argv = [script] + words
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    try:
        exec(code, {"__name__": str("__main__"), "__file__": script, "__builtins__": __builtins__})
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        compat.write_text(sys.stderr, "%s\n" % compat.text(error.code))
        return errors.FAILED
    return errors.DONE
