"""The sections of Config, in the order of config.py.

A setting is one `entry`: its name in config.py, its kind (with its unit), its default and what it
means. The name of the field and the section are its place in Config. The first line of a
section's docstring is its heading in the reference.
"""
