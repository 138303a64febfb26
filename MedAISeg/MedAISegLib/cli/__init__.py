"""The command line ``medaiseg``; one file a command."""
