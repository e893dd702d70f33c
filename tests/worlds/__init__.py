"""Made-up worlds whose truth is known: what the statistics of ``align/`` are judged by."""
