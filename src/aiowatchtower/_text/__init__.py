"""From a record to the text of an event. Pure: no clock, no I/O, no thread."""
