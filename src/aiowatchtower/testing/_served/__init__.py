"""The service on a loopback socket, in a process of its own.

Nothing outside this folder imports it before `serve` is asked for or `python -m aiowatchtower.testing` runs.
It opens sockets and starts a process; the rest of `testing` does neither.
"""
