"""Which values a setting may hold: numbers, texts and paths, lists, values by fill, HTCondor.

A `Kind` takes a value of config.py and returns it as Config holds it, or raises `ValueError`.
"""
