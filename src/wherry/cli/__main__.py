"""`python -m wherry.cli`."""

from wherry.cli.main import main

main()
