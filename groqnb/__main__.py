"""``python -m groqnb`` is the ``groqnb`` command."""

import sys

from groqnb.cli import main

if __name__ == "__main__":
    sys.exit(main())
