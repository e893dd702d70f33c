"""Topics: groups of stories that no narrative covers, under ids that last."""
