"""List the catalog of finished backups."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("backups", sys.argv)
