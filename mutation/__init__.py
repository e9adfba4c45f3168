"""Small changes of the code, to see which of them no test notices."""
