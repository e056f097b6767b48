"""Measured tables as Markdown, for tools/readme_tables.py; a module for each subject."""
