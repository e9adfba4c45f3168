"""Runs on HTCondor: fills cut into jobs, their submission, and how they went.

In: a `Config`, fill numbers and the options of the command line; or a job folder.
Out: a job folder, submitted jobs, a table of how the fills are doing.
May import: errors, atomic, readers, config, paths, run.
To add an attribute of the jobs: describe.py, or condor_attributes in config.py.
"""
