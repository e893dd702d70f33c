"""Topics: stories grouped where no narrative explains them, and how the known narratives drift."""
