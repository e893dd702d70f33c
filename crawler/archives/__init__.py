"""Archives of documents and prices: files read in batches, rows made into records.

``readers.py`` reads JSONL, CSV and Parquet and ``rows.py`` judges what stands in a row, both
pure; ``run.py`` is the stage that stores documents. Bad rows are named, good rows are kept.
"""
