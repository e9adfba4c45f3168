"""Physics: arrays to arrays. No file, configuration or fill number is known here."""
