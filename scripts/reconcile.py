"""List what runs left behind, or release it with --fix."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("reconcile", sys.argv)
