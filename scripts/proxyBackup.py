"""Back up a virtual server through a proxy backup host."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("proxy-backup", sys.argv)
