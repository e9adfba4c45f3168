"""Steps of the follow-up: each loads its inputs, computes, and saves its result.

In: a fill, the `Config`, data files and results of earlier steps.
Out: the result file of the step.
May import: errors, arrays, atomic, parallel, config, instruments, paths, physics, readers,
records, tables.
To add a step: a module here, its line in the list of steps, and its record.
"""
