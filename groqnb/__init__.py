"""A Jupyter toolkit for the Groq API."""
