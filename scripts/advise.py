"""Say which techniques can protect a virtual server."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("advise", sys.argv)
