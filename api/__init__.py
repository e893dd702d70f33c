"""Everything a person touches: command line, settings, Datasette pages, the weekly report.

The only folder that sees all the others. It reads the clock, the environment and the settings,
and passes them down; it computes nothing that a number rests on, and it speaks no SQL.
"""
