"""Copy a logical disk into another disk group."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("clone-disk", sys.argv)
