"""Tests with a real IPython kernel, spoken to over its sockets as a front end does."""
