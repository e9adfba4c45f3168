"""A run over fills: what is to be done, doing it side by side, and the report.

In: `Config`, fills and options. Out: results of the steps, a table, an exit status.
May import steps and plots, and knows none of them by name.
"""
