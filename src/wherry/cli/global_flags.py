"""The flags that stand before a command.

Knows their names. Must not know what they select; wherry.cli.endpoint does.
"""

from __future__ import annotations

from wherry.cli import flags
from wherry.cli.failure import Failure, FlagError, HelpAsked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

FLAGS = (
    flags.text("config", "", "Directory of the client's configuration files (default ~/.docker)"),
    flags.text("context", "c", "Context that names the engine (instead of the host variable or the current context)"),
    flags.switch("debug", "D", "Tell more when something fails"),
    flags.several("host", "H", "Where the engine listens: unix://PATH or tcp://NAME:PORT"),
    flags.text("log-level", "l", "How much to log: debug, info, warn, error or fatal", default="info"),
    flags.switch("tls", "", "Encrypt the connection; --tlsverify implies it"),
    flags.text(
        "tlscacert", "", "File of the CA that the engine's certificate must be signed by (default ~/.docker/ca.pem)"
    ),
    flags.text("tlscert", "", "File of the client's certificate (default ~/.docker/cert.pem)"),
    flags.text("tlskey", "", "File of the client's key (default ~/.docker/key.pem)"),
    flags.switch("tlsverify", "", "Encrypt the connection and check the engine's certificate"),
    flags.switch("version", "v", "Print the version and leave"),
)
_LEVELS = ("debug", "info", "warn", "warning", "error", "fatal", "panic", "trace")


def read(words: Sequence[str]) -> tuple[flags.Options, list[str]]:
    """The global options and the words from the command's name on. Raises FlagError with the page that explains."""
    try:
        options, rest = flags.parse(FLAGS, words, interspersed=False)
    except HelpAsked:
        return flags.parse(FLAGS, (), interspersed=False)[0], []
    except FlagError as error:
        raise FlagError(
            f"{error.message}\n\nUsage:  wherry [OPTIONS] COMMAND [ARG...]\n\nRun 'wherry --help' for more information"
        ) from None
    if options.text("log-level") not in _LEVELS:
        raise Failure(f"Unable to parse logging level: {options.text('log-level')}")
    return options, rest
