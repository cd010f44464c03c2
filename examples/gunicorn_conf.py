"""gunicorn with uvicorn's workers, each of which ships its own logs to its own stream.

    python -m pip install gunicorn uvicorn-worker
    gunicorn -c gunicorn_conf.py fastapi_app:app

The default stream name ends in the process id, so no two workers share a stream. The worker takes
"uvicorn.error" and "uvicorn.access" from uvicorn and lets neither pass its records on: name both in
`loggers`, as fastapi_app.py does. The master runs no event loop: its own lines stay on the console.
"""

bind = "127.0.0.1:8000"
workers = 2
worker_class = "uvicorn_worker.UvicornWorker"
# Longer than requests may take, plus the shutdown_timeout of CloudWatchLogging (10 seconds).
graceful_timeout = 30
