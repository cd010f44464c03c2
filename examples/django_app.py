"""Django, as an ASGI application and as a WSGI application.

    python -m pip install django uvicorn daphne gunicorn
    uvicorn django_app:asgi
    daphne django_app:asgi
    gunicorn -c gunicorn_wsgi_conf.py django_app:wsgi

Django takes no lifespan: `wrap` runs the block. Under WSGI there is no event loop, and
gunicorn_wsgi_conf.py starts the block in each worker.
"""

import logging

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from aiowatchtower import CloudWatchLogging
from aiowatchtower.asgi import wrap

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not one",  # noqa: S106 - an example
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "loggers": {"shop": {"level": "INFO"}},
    },
)
django.setup()
logger = logging.getLogger("shop")


def order(_request: HttpRequest, number: int) -> HttpResponse:
    """Show an order."""
    logger.info("order %d is shown", number)
    return HttpResponse("here it is")


urlpatterns = [path("orders/<int:number>", order)]
wsgi = get_wsgi_application()
asgi = wrap(
    get_asgi_application(),
    CloudWatchLogging("/examples/django", loggers=("", "uvicorn", "uvicorn.access")),
)
