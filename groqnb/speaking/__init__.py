"""Texts of any length, spoken; `groqnb.speak` is the door.

`passages` splits a text at its sentences, `joining` makes one file of what was spoken of each,
`spoken` is the result.
"""
