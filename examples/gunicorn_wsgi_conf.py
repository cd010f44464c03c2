"""gunicorn with its own workers, sync or gthread, for WSGI applications such as Django's and Flask's.

    gunicorn -c gunicorn_wsgi_conf.py flask_app:app
    gunicorn -c gunicorn_wsgi_conf.py --threads 4 --preload django_app:wsgi

A thread is not copied by a fork: the block is started in each worker, also with --preload.
"""

from aiowatchtower import CloudWatchLogging

bind = "127.0.0.1:8000"
workers = 2
accesslog = "-"
# Longer than requests may take, plus the shutdown_timeout of CloudWatchLogging (10 seconds).
graceful_timeout = 30
logs = CloudWatchLogging("/examples/gunicorn", loggers=("", "gunicorn.access", "gunicorn.error"))


def post_fork(_server: object, _worker: object) -> None:
    """Begin to ship the worker's logs."""
    logs.start_background()


def worker_exit(_server: object, _worker: object) -> None:
    """Deliver the rest."""
    logs.close()
