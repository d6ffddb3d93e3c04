"""Roster workbooks: reading, finding the table, row rules, diff, apply, error workbook.

Nothing is imported here: the reader's child process starts from this package and must stay light.
"""
