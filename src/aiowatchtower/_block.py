"""The block: attach on entry, deliver while it is open, deliver the rest and detach on exit."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Final

import anyio

from ._config.arguments import checked_seconds
from ._config.names import DEFAULT_LOG_STREAM_NAME
from ._config.settings import SETTING_NAMES, check_keywords
from ._core.ledger import Statistics
from ._diagnostics.own_log import say
from ._intake.attachment import Attachment, checked_loggers, find_handlers
from ._intake.handler import CloudWatchLogHandler, SpelledOut
from ._intake.unattended import watch_for_entry
from ._intake.wrong_kind import NotAHandler, require_asyncio
from ._shipping.pipeline import Pipeline, stop_all, wait_for_last_run

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._config.settings import SettingArguments

_WATCH_SECONDS: Final = 1.0
# What has left the body this way is not waited for when it comes again.
_INTERRUPTIONS: Final = (asyncio.CancelledError, KeyboardInterrupt)


class CloudWatchLogging(NotAHandler):
    """Ship ``logging`` records to Amazon CloudWatch Logs while the block is open.

    ::

        async with CloudWatchLogging("/app/web") as logs:
            logging.getLogger("app").warning("hello")

    Entering attaches a handler to ``loggers`` and starts one task on the running loop; it makes
    no request and does not fail on AWS (unless ``strict``). Leaving detaches the handler and waits
    until every record has met its fate, for ``shutdown_timeout`` seconds at most. In between
    nothing here raises, blocks the loop, or waits for AWS in your code.

    The same object may be entered again after it was left, also in another loop.

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
        shutdown_timeout: Seconds that leaving the block may take.
        create_log_group: Create the group when PutLogEvents finds it missing.
        create_log_stream: Create streams when PutLogEvents finds them missing.
        log_group_retention_days: Retention of a group created here; None keeps for ever.
        log_group_tags: Tags of a group created here.
        log_group_kms_key_id: ARN of the KMS key of a group created here.
        log_group_class: ``STANDARD``, ``INFREQUENT_ACCESS`` or ``DELIVERY``, of a group created
            here.
        entity: The ``entity`` of PutLogEvents, passed through.
        compression: ``"gzip"``, or None for bodies as they are.
        max_in_flight: Parallel PutLogEvents over all streams; one at a time within a stream.
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

    def __new__(cls, *_: object, **arguments: object) -> Self:
        """Explain unknown arguments before Python complains of missing ones.

        A subclass may have arguments of its own.
        """
        if cls.__init__ is CloudWatchLogging.__init__:
            check_keywords("CloudWatchLogging", arguments, ("loggers", *SETTING_NAMES))
        return super().__new__(cls)

    def __init__(
        self,
        log_group_name: str,
        log_stream_name: str = DEFAULT_LOG_STREAM_NAME,
        *,
        loggers: Iterable[str | logging.Logger] = ("",),
        **arguments: Unpack[SettingArguments],
    ) -> None:
        chosen = checked_loggers(loggers)
        handler = CloudWatchLogHandler(log_group_name, log_stream_name, **arguments)
        self._set_up((handler,), chosen)

    def _set_up(
        self, handlers: tuple[CloudWatchLogHandler, ...], loggers: Sequence[logging.Logger]
    ) -> None:
        self._handlers = handlers
        self._loggers = loggers
        self._unentered = [watch_for_entry(self, handler) for handler in handlers]
        # configured() looks for its handlers each time it is entered.
        self._find: Callable[[], Sequence[CloudWatchLogHandler]] = lambda: handlers
        self._pipelines: list[Pipeline] = []
        self._attachment: Attachment | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._process = 0

    def __repr__(self) -> str:
        """Show the handlers and what waits in them."""
        return f"<CloudWatchLogging {', '.join(map(repr, self._handlers)) or 'not entered'}>"

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
        block._set_up((), ())  # noqa: SLF001 - its own class
        block._find = find_handlers  # noqa: SLF001 - its own class
        return block

    @property
    def handler(self) -> CloudWatchLogHandler:
        """The handler, to attach by hand. With ``configured()``: the only one there is."""
        if len(self._handlers) != 1:
            msg = f"this block runs {len(self._handlers)} handlers: use .handlers"
            raise RuntimeError(msg)
        return self._handlers[0]

    @property
    def handlers(self) -> tuple[CloudWatchLogHandler, ...]:
        """The handlers that this block runs."""
        return self._handlers

    def statistics(self) -> Statistics:
        """Return what became of the records so far; of all handlers together, if several.

        A frozen snapshot, consistent in itself. May be called from any thread, before, in and
        after the block.
        """
        return Statistics.total(handler.statistics() for handler in self._handlers)

    async def flush(self, timeout: float | timedelta | None = None) -> None:  # noqa: ASYNC109 - our contract
        """Return when every record logged before the call has met its fate.

        Args:
            timeout: Seconds to wait, also as a timedelta, or None for as long as it takes.

        Raises:
            TimeoutError: The time is up, and records have no fate. Nothing is lost by it: delivery goes on.
            RuntimeError: The block is not open and records are waiting for one.
            ValueError, TypeError: This is no time to wait.
        """
        seconds = None if timeout is None else checked_seconds("timeout", timeout)
        pending = self.statistics().pending
        if pending and not self._pipelines:
            msg = "flush() needs an open block: enter `async with` first"
            raise RuntimeError(msg)
        if not pending and not any(pipeline.has_chores for pipeline in self._pipelines):
            return
        with anyio.move_on_after(seconds) as scope:
            for pipeline in self._pipelines:
                await pipeline.flush()
        if scope.cancelled_caught and (pending := self.statistics().pending):
            msg = f"{pending} records have no fate after {seconds:g} s; delivery goes on"
            raise TimeoutError(msg)

    async def __aenter__(self) -> Self:
        """Attach and start delivering. Makes no request, unless ``strict``."""
        require_asyncio()
        self.refuse_as_handler()
        for watch in self._unentered:
            watch.detach()
        if self._pipelines and self._process == os.getpid():
            msg = "this block is open already: make a second CloudWatchLogging"
            raise RuntimeError(msg)
        self._process = os.getpid()
        self._handlers = tuple(self._find())
        enabled = [handler for handler in self._handlers if handler.enabled]
        if not self._handlers:
            say(logging.WARNING, _NOTHING_CONFIGURED)
        for handler in enabled:
            await wait_for_last_run(handler)
        for handler in enabled:
            if handler.inbox.is_open:
                msg = f"{handler!r} is run by another block: one block for each handler"
                raise RuntimeError(msg)
        self._pipelines = [Pipeline(handler) for handler in enabled]
        self._attachment = Attachment(enabled, self._loggers)
        try:
            for pipeline, handler in zip(self._pipelines, enabled, strict=True):
                if handler.settings.strict:
                    await pipeline.prove()
        except BaseException as exc:
            await self._leave(is_cancelled=isinstance(exc, _INTERRUPTIONS))
            raise
        self._watch_attachment()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Detach, and wait until what is left is delivered or ``shutdown_timeout`` is over."""
        await self._leave(is_cancelled=isinstance(exc, _INTERRUPTIONS))

    async def _leave(self, *, is_cancelled: bool) -> None:
        if self._watch is not None:
            self._watch.cancel()
        attachment, self._attachment = self._attachment, None
        if attachment is not None:
            attachment.warn_of_detached()
            attachment.detach()
        pipelines, self._pipelines = self._pipelines, []
        try:
            # A forked child that leaves its parent's block: the records are the parent's.
            if self._process == os.getpid():
                await stop_all(pipelines, is_cancelled=is_cancelled)
        finally:
            if attachment is not None:
                attachment.undo()

    def _watch_attachment(self) -> None:
        """Look now and then what the application has changed about its logging."""
        if self._attachment is not None:
            self._attachment.look_again()
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(_WATCH_SECONDS, self._watch_attachment)


_NOTHING_CONFIGURED: Final = (
    "CloudWatchLogging.configured() found no CloudWatchLogHandler on any logger: nothing will be "
    "delivered. Call logging.config.dictConfig (with a handler of class "
    "aiowatchtower.CloudWatchLogHandler) before entering the block. One that is behind a queue is "
    "run by CloudWatchLogging.from_handler(handler), one that another block runs by that block"
)
