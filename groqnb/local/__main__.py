"""`python -m groqnb.local`: the engine as a child process. See `groqnb.local.server`."""

from groqnb.local.server import main

main()
