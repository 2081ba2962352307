"""One module a command; wherry.cli.main names them all and loads the one that is asked for."""
