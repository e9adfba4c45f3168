"""Pictures: `draw_...(record, ..., style=Style())` gives a figure; nothing is computed here."""
