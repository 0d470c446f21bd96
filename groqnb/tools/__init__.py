"""Python functions as tools of a model: described, called, and the loop around both.

Docs: "Tool Use".
"""
