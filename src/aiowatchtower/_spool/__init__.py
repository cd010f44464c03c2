"""Records in files, so that they outlive the process. `format` and `ranges` are pure; `files` makes every file call; no asyncio."""
