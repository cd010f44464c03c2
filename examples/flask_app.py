"""Flask; gunicorn_wsgi_conf.py ships what its workers log.

python -m pip install flask gunicorn
gunicorn -c gunicorn_wsgi_conf.py flask_app:app
"""

import logging

from flask import Flask

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
app = Flask("shop")


@app.get("/orders/<int:number>")
def order(number: int) -> str:
    """Show an order."""
    logger.info("order %d is shown", number)
    return "here it is"
