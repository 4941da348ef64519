"""The guardian as a process: its lease, its ears, its loop, and the adapters of its ports to the ledger and Dhan."""
