"""Where records come in: called from any thread; knows nothing of AWS."""
