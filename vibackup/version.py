"""The version of vibackup, which stands here alone."""
from __future__ import absolute_import, division, print_function, unicode_literals

__version__ = "0.1.0"
