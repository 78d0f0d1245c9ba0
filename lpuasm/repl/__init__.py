"""The conversation: a program written and changed flow by flow, run, looked into and debugged.

``items`` cuts a text into what can be replaced, ``session`` holds them and builds, ``console`` takes what is typed and
finds the command for it, ``terminal`` and ``plain`` are the two ways of typing.
"""
