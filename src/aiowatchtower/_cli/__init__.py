"""The commands of ``python -m aiowatchtower`` but for ``check``. They may use any part."""
