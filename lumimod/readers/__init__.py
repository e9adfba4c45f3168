"""Readers: file to arrays, nothing else."""
