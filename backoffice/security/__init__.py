"""Who may see and do what in the back office, and the record of who looked at what."""
