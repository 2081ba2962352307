"""`python -m wherry.daemon` is wherryd."""

import sys

from wherry.daemon.main import main

sys.exit(main())
