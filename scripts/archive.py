"""Archive a whole virtual server as VHDs and a manifest, check an archive, or bring one back."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("archive", sys.argv)
