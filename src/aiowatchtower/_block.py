"""The block: attach on entry, deliver while it is open, deliver the rest and detach on exit."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar

from ._background import BackgroundLogging, Finished, only_one
from ._config.arguments import checked_seconds
from ._config.names import DEFAULT_LOG_STREAM_NAME
from ._config.settings import SETTING_NAMES
from ._config.unknown_arguments import check_keywords
from ._core.ledger import Statistics
from ._intake.attachment import checked_loggers
from ._intake.handler import CloudWatchLogHandler
from ._intake.signature import SpelledOut
from ._intake.unattended import watch_for_entry
from ._intake.wrong_kind import NotAHandler, refuse_running_loop, require_asyncio
from ._open_block import INTERRUPTIONS, OpenBlock

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from typing import Literal

    from typing_extensions import Self

    from ._core.choices import LevelName, LogGroupClass, RetentionDays
    from ._core.events import Lost


class CloudWatchLogging(NotAHandler):
    """Ship ``logging`` records to Amazon CloudWatch Logs while the block is open.

    ::

        async with CloudWatchLogging("/app/web") as logs:
            logging.getLogger("app").warning("hello")

    Entering attaches a handler to ``loggers`` and starts one task on the running loop; it makes
    no request and does not fail on AWS (unless ``strict``). Leaving detaches the handler and waits
    until every record was delivered, rejected or dropped, for ``shutdown_timeout`` seconds at most.
    In between nothing here raises, blocks the loop, or waits for AWS in your code.

    Programs without an event loop write ``with`` and get a :class:`BackgroundLogging`, whose loop
    runs in a thread of its own. ``start()`` and ``aclose()``, ``start_background()`` and ``close()``
    do the same for hooks. The same object may be entered again after it was left.

    Args:
        log_group_name: 1 to 512 characters of ``a-z A-Z 0-9 . - _ / #``.
        log_stream_name: A template with ``{machine_name}``, ``{program_name}``, ``{process_id}``,
            ``{logger_name}``, ``{thread_name}``, ``{task_name}`` and ``{strftime:%Y-%m-%d}``
            (the record's UTC time). ``:`` and ``*`` are replaced by ``-``.
        loggers: Names of the loggers to attach to (or the loggers); ``""`` is the root logger.
        level: The handler's level. Loggers have levels of their own: the root logger's default
            is WARNING, and records below it reach no handler.
        formatter: Any ``logging.Formatter``; by default a :class:`CloudWatchLogFormatter`.
        structured: True: the default formatter makes every event one JSON object.
        send_interval: The longest a record waits before its batch is sent, in seconds.
        max_batch_size: Bytes of a batch, as AWS counts them: UTF-8, plus 26 for each event.
        max_batch_count: Events of a batch.
        max_message_size: Bytes of an event, the 26 included; longer ones are cut and marked.
        max_buffer_size: Bytes of records whose fate is open. When it is full the newest records
            are dropped and counted; its last eighth is kept for ERROR and above.
        spool_directory: Keep records in files there as well, until they are answered for: they
            outlive the process, and the next one on that directory delivers them.
        max_spool_size: Bytes of those files, per process.
        shutdown_timeout: Seconds that leaving the block may take.
        create_log_group: Create the group when PutLogEvents finds it missing.
        create_log_stream: Create streams when PutLogEvents finds them missing.
        log_group_retention_days: Retention of a group created here; None keeps for ever.
        log_group_tags: Tags of a group created here.
        log_group_kms_key_id: ARN of the KMS key of a group created here.
        log_group_class: ``STANDARD``, ``INFREQUENT_ACCESS`` or ``DELIVERY``, of one created here.
        entity: The ``entity`` of PutLogEvents, passed through.
        compression: ``"gzip"``, or None for bodies as they are.
        max_in_flight: Parallel PutLogEvents over all streams; one at a time within a stream.
        metrics_namespace: Publish the shipper's own metrics in this namespace of CloudWatch.
        metrics_interval: Seconds between two events that carry them.
        region_name: As in botocore; by default what AWS_DEFAULT_REGION and the profile say.
        profile_name: As in botocore.
        endpoint_url: As in botocore.
        session: An ``aiobotocore.session.AioSession`` to make the client with.
        client: An aiobotocore ``logs`` client to use. It stays yours to close.
        config: An ``aiobotocore.config.AioConfig``, merged over ours; its ``retries`` are not
            used, because retrying is done here.
        enabled: False: no handler is attached, no request made, nothing logged about it. The
            environment variable ``AIOWATCHTOWER_ENABLED=0`` does the same without code.
        strict: True: entering proves that events can be delivered, or raises SetupError.
        on_drop: Called with a :class:`Lost` for what was lost, in a thread of its own. What it logs
            is not shipped: it may be about a full buffer. Not called for records that were never
            taken (empty, malformed, after the block); ``statistics()`` counts those.

    Raises:
        ValueError, TypeError: On construction, for an argument that cannot work.

    See https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
    """

    __signature__: ClassVar[SpelledOut] = SpelledOut(
        inspect.Parameter(
            "loggers",
            inspect.Parameter.KEYWORD_ONLY,
            default=("",),
            annotation="Iterable[str | logging.Logger]",
        )
    )

    if TYPE_CHECKING:
        # Spelled out for type checkers and editors, with the defaults of Settings; a test compares them.
        def __init__(
            self,
            log_group_name: str,
            log_stream_name: str = "{machine_name}/{program_name}/{process_id}",
            *,
            loggers: Iterable[str | logging.Logger] = ("",),
            level: int | LevelName = logging.NOTSET,
            formatter: logging.Formatter | None = None,
            structured: bool | None = None,
            send_interval: float | timedelta = 5.0,
            max_batch_size: int = 1_048_576,
            max_batch_count: int = 10_000,
            max_message_size: int = 1_048_576,
            max_buffer_size: int = 64 * 2**20,
            spool_directory: str | os.PathLike[str] | None = None,
            max_spool_size: int = 2**30,
            shutdown_timeout: float | timedelta = 10.0,
            create_log_group: bool = True,
            create_log_stream: bool = True,
            log_group_retention_days: RetentionDays | None = None,
            log_group_tags: Mapping[str, str] | None = None,
            log_group_kms_key_id: str | None = None,
            log_group_class: LogGroupClass | None = None,
            entity: Mapping[str, Mapping[str, str]] | None = None,
            compression: Literal["gzip"] | None = "gzip",
            max_in_flight: int = 4,
            metrics_namespace: str | None = None,
            metrics_interval: float | timedelta = 60.0,
            region_name: str | None = None,
            profile_name: str | None = None,
            endpoint_url: str | None = None,
            session: object | None = None,
            client: object | None = None,
            config: object | None = None,
            enabled: bool = True,
            strict: bool = False,
            on_drop: Callable[[Lost], object] | None = None,
        ) -> None: ...

    else:

        def __new__(cls, *positional: object, **arguments: object) -> Self:
            # No docstring: editors would show it in place of the class's. Unknown arguments are explained
            # before Python complains of missing ones; a subclass may have arguments of its own.
            if cls.__init__ is CloudWatchLogging.__init__:
                check_keywords(
                    "CloudWatchLogging", positional, arguments, ("loggers", *SETTING_NAMES)
                )
            return super().__new__(cls)

        def __init__(
            self,
            log_group_name: str,
            log_stream_name: str = DEFAULT_LOG_STREAM_NAME,
            *,
            loggers: Iterable[str | logging.Logger] = ("",),
            **arguments: object,
        ) -> None:
            chosen = checked_loggers(loggers)
            handler = CloudWatchLogHandler(log_group_name, log_stream_name, **arguments)
            self._set_up((handler,), chosen)

    def _set_up(
        self,
        handlers: tuple[CloudWatchLogHandler, ...] | None,
        loggers: Sequence[logging.Logger],
    ) -> None:
        # None: those that are found on any logger, each time that the block is entered.
        self._handlers = handlers
        self._loggers = loggers
        self._unentered = [watch_for_entry(self, handler) for handler in handlers or ()]
        self._open: OpenBlock | None = None
        self._background: BackgroundLogging | None = None

    def __repr__(self) -> str:
        """Show the handlers and what waits in them."""
        return f"<CloudWatchLogging {', '.join(map(repr, self.handlers)) or 'not entered'}>"

    @classmethod
    def from_handler(cls, handler: CloudWatchLogHandler) -> Self:
        """Return a block that runs ``handler``, wherever it is attached."""
        if not isinstance(handler, CloudWatchLogHandler):
            msg = f"handler={handler!r}: must be a CloudWatchLogHandler"
            raise TypeError(msg)
        block = cls.__new__(cls)
        block._set_up((handler,), ())  # noqa: SLF001 - its own class
        return block

    @classmethod
    def configured(cls) -> Self:
        """Return a block that runs each CloudWatchLogHandler found on a logger when entered.

        For handlers declared by ``logging.config``. Those that another block runs are left to it.
        """
        block = cls.__new__(cls)
        block._set_up(None, ())  # noqa: SLF001 - its own class
        return block

    @property
    def handler(self) -> CloudWatchLogHandler:
        """The handler, to attach by hand. With ``configured()``: the only one there is."""
        return only_one(self.handlers)

    @property
    def handlers(self) -> tuple[CloudWatchLogHandler, ...]:
        """The handlers that this block runs."""
        if self._handlers is not None:
            return self._handlers
        entered = self._background or self._open
        return entered.handlers if entered is not None else ()

    def statistics(self) -> Statistics:
        """Return what became of the records so far; of all handlers together, if several.

        A frozen snapshot, consistent in itself. May be called from any thread, before, in and
        after the block.
        """
        return Statistics.total(handler.statistics() for handler in self.handlers)

    def flush(self, timeout: float | timedelta | None = None) -> Coroutine[object, object, None]:
        """Return when every record logged before the call was delivered, rejected or dropped.

        To be awaited. While the block is open in a background thread (``with``,
        ``start_background()``) this call itself blocks; to await what it returns does no harm.

        Args:
            timeout: Seconds to wait, also as a timedelta, or None for as long as it takes.

        Raises:
            TimeoutError: The time is up. No record is lost by it: delivery goes on.
            RuntimeError: The block is not open and records are waiting for one.
            ValueError, TypeError: This is no time to wait.
        """
        if self._background is not None and self._background.is_open:
            self._background.flush(timeout)
            return Finished()
        return self._flush(timeout)

    async def _flush(self, timeout: float | timedelta | None) -> None:
        seconds = None if timeout is None else checked_seconds("timeout", timeout)
        if self._open is not None and self._open.is_open:
            await self._open.flush(seconds)
        elif self.statistics().pending:
            msg = "flush() needs an open block: enter `async with` or `with` first"
            raise RuntimeError(msg)

    async def __aenter__(self) -> Self:
        """Attach and start delivering. Makes no request, unless ``strict``."""
        require_asyncio()
        self._prepare_to_enter()
        block = OpenBlock(self._handlers, self._loggers)
        self._open, self._background = block, None
        await block.enter()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Detach, and wait until what is left is delivered or ``shutdown_timeout`` is over."""
        if self._open is not None and isinstance(exc, GeneratorExit) and not self._open.can_wait:
            self._open.abandon()
        elif self._open is not None:
            await self._open.leave(is_cancelled=isinstance(exc, INTERRUPTIONS))

    def __enter__(self) -> BackgroundLogging:
        """Attach, and start delivering in a background thread with an event loop of its own.

        For programs without an event loop. Makes no request, unless ``strict``.

        Raises:
            RuntimeError: An event loop is running in this thread: write ``async with``.
        """
        self._prepare_to_enter()
        refuse_running_loop()
        self._open, self._background = None, BackgroundLogging(self._handlers, self._loggers)
        return self._background

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Detach, and wait until what is left is delivered or ``shutdown_timeout`` is over."""
        if self._background is not None:
            self._background.leave(is_cancelled=isinstance(exc, INTERRUPTIONS))

    async def start(self) -> Self:
        """Do what entering ``async with`` does, for frameworks with a hook for it.

        Raises:
            RuntimeError: The block is open already.
        """
        return await self.__aenter__()

    async def aclose(self) -> None:
        """Do what leaving ``async with`` does. May be called again, and by several tasks.

        Raises:
            RuntimeError: The block runs in a background thread, which ``close()`` ends.
        """
        if self._background is not None and self._background.is_open:
            msg = "this block runs in a background thread: call close(), without await"
            raise RuntimeError(msg)
        await self.__aexit__(None, None, None)

    def start_background(self) -> BackgroundLogging:
        """Do what entering ``with`` does, for programs without an event loop.

        If nobody has called ``close()`` by then, it is called when the interpreter ends. A process
        that was forked needs a call of its own.

        Raises:
            RuntimeError: The block is open already, or an event loop is running in this thread.
        """
        background = self.__enter__()
        background.close_at_exit()
        return background

    def close(self) -> None:
        """Do what leaving ``with`` does. May be called again, from any thread.

        Raises:
            RuntimeError: The block runs on an event loop of the application.
        """
        if self._open is not None and self._open.is_open:
            msg = "this block runs on an event loop: await aclose()"
            raise RuntimeError(msg)
        if self._background is not None:
            self._background.close()

    def _prepare_to_enter(self) -> None:
        self.refuse_as_handler()
        for watch in self._unentered:
            watch.detach()
        entered = self._background or self._open
        if entered is not None and entered.is_open:
            msg = "this block is open already: make a second CloudWatchLogging"
            raise RuntimeError(msg)
