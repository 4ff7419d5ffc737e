"""Say which calls of the management API this manager has."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("probe", sys.argv)
