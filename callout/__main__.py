"""`python -m callout` is the same as `callout`."""

from callout.cli import main

main()
