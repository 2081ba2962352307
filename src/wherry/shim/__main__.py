"""Entry of the zygote: `python -I -S <this file> FD`, which sees the standard library and this package only."""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from wherry.shim import zygote

if __name__ == "__main__":
    sys.exit(zygote.main(int(sys.argv[1])))
