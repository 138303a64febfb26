"""The benchmark on a GPU: packed here, run there by one command, its record added here. See README.md."""
