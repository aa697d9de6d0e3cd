"""`python -m selftaught` is the `selftaught` command."""

from selftaught.cli import main

main()
