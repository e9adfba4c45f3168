"""The settings: config.py run once, checked as a whole, given as a frozen `Config`.

In: the path of config.py. Out: `Config`, or one error that names every fault in it.
May import errors alone. To add a setting: one entry in names.py, one field in settings.py.
"""
