"""Run a command in a guest (ssh, or the lab's shell); find its disks."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

# What to run in a guest. argv: a list of text, no shell reads it. stdin, stdout: a path in the
# guest to read from or write to, or None.
Command = collections.namedtuple("Command", "argv stdin stdout")

# How it ended. status: the exit status (None: none came back; 128 + n: killed by signal n).
# output, errors: the last part of what it printed, as text.
Completed = collections.namedtuple("Completed", "status output errors")
