"""Back up raw disks by their storage array."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("array-backup", sys.argv)
