"""The steps of the follow-up: each loads its inputs, computes, saves."""
