"""`python -m crumple` is the same as `crumple`."""

from crumple.cli import main

main()
