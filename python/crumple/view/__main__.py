"""`python -m crumple.view` is `crumple view`: the process that a live run starts for its window."""

import sys

from crumple.cli.app import invoke

if __name__ == "__main__":
    sys.exit(invoke(["view", *sys.argv[1:]]))
