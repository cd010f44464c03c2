"""What the user asked for: settings, checked arguments and name templates. Pure: no clock, no I/O, no thread."""
