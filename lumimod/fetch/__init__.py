"""Getting the data of fills from a source into the files that the pipeline reads."""
