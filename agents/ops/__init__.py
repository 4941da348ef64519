"""The running of the desk: logs, alerts, and what a monitor may ask.

Every module here is imported by whoever needs it, so that a process pays only for what it uses.
"""
