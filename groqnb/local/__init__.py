"""The local engine: an HTTP server on this machine that speaks Groq's API over a local model.

A program of its own (`python -m groqnb.local`), started by `groqnb.local.process` or by
`groqnb serve`. Of the rest of the package it imports the catalogue alone.
"""
