"""Seasons on HTCondor: chunks of fills, their description, submission, and how they went."""
