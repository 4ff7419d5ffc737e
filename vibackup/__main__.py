"""``python -m vibackup VERB``."""
from __future__ import absolute_import

from vibackup.cli import main_and_exit

if __name__ == "__main__":
    main_and_exit()
