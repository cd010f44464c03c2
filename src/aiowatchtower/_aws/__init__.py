"""The edge to AWS: the only room that imports aiobotocore, botocore or aiohttp, and the only one that may use ``Any``.

What comes back from there is translated once, in ``errors``, into the library's own errors.
"""
