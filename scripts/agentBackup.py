"""Back up a virtual server by the agent that runs in it."""
import sys

from vibackup.cli import main_and_exit

main_and_exit("agent-backup", sys.argv)
