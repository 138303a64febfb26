"""The lines of the protocol: one JSON object each, UTF-8, ended by a newline (app.protocol says which)."""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass
from typing import Any

from ..core import errors
from ..core.errors import Cancelled, MedAISegError, NotTrustedError, ResourceError
from ..core.language import tr as _
from ..core.progress import ProgressEvent
from ..core.records import from_json, to_json
from ..models.store_progress import StoreProgress
from .protocol import ErrorRecord, Hello, Reply, Request

_INTERNAL = "InternalError"

Content = ProgressEvent | StoreProgress | ErrorRecord | Reply


@dataclass(frozen=True)
class WorkerMessage:
    """What the worker said of a request; an error without a number is about the worker itself."""

    content: Content
    request_id: int | None = None


@dataclass(frozen=True)
class ClientMessage:
    """What the worker is told: a request, or None to cancel the one of that number."""

    request_id: int
    request: Request | None


def request_line(request_id: int, request: Request) -> bytes:
    return _line({"id": request_id, "request": to_json(request)})


def cancel_line(request_id: int) -> bytes:
    return _line({"cancel": request_id})


def hello_line(hello: Hello) -> bytes:
    return _line({"hello": to_json(hello)})


def worker_line(message: WorkerMessage) -> bytes:
    key = {ProgressEvent: "progress", StoreProgress: "progress", ErrorRecord: "error"}.get(
        type(message.content), "reply"
    )
    number = {} if message.request_id is None else {"id": message.request_id}
    return _line(number | {key: to_json(message.content)})


def read_worker_line(line: bytes) -> Hello | WorkerMessage:
    """Raises:
    ValueError: if it is none of the worker's messages.
    """
    message = _object(line)
    if "hello" in message:
        return from_json(Hello, message["hello"])
    key = next((key for key in ("progress", "reply", "error") if key in message), "")
    content: Content = from_json(Content, message.get(key))  # type: ignore[arg-type]
    return WorkerMessage(content, _number(message["id"]) if "id" in message else None)


def read_client_line(line: bytes) -> ClientMessage:
    """Raises:
    ValueError: if it is none of the client's messages.
    """
    message = _object(line)
    if "cancel" in message:
        return ClientMessage(_number(message["cancel"]), None)
    return ClientMessage(_number(message.get("id")), from_json(Request, message.get("request")))  # type: ignore[arg-type]


def record_of(error: BaseException) -> ErrorRecord:
    """An error as it travels; one that is no MedAISegError has its traceback with it, for the log."""
    if isinstance(error, MedAISegError):
        contents = error.contents if isinstance(error, NotTrustedError) else ()
        return ErrorRecord(type(error).__name__, error.what, error.where, error.remedy, contents=contents)
    details = "".join(traceback.format_exception(error))
    if isinstance(error, MemoryError):
        remedy = _("Close other programs, or limit the run to a region.")
        return ErrorRecord(ResourceError.__name__, _("there is not enough memory."), "", remedy, details)
    if isinstance(error, ImportError):
        what = (
            _("the package {package} is missing in the worker's Python, or does not work there.")
            if error.name
            else _("the package of the worker is missing in the worker's Python, or does not work there.")
        ).format(package=(error.name or "").partition(".")[0])
        return ErrorRecord(ResourceError.__name__, what, "", install_remedy(), details)
    return ErrorRecord(_INTERNAL, f"{type(error).__name__}: {error}", details=details)


def install_remedy() -> str:
    """What helps where a package of the worker is missing or does not work."""
    return _("Install or repair the dependencies (Advanced).")


def error_of(record: ErrorRecord) -> MedAISegError:
    """The error of a record."""
    if record.error == Cancelled.__name__:
        return Cancelled()
    kind = getattr(errors, record.error, None)
    if isinstance(kind, type) and issubclass(kind, MedAISegError):
        error = kind(record.what, where=record.where, remedy=record.remedy)
        if isinstance(error, NotTrustedError):
            error.contents = record.contents
        return error
    what = _("a fault of the program: {fault}.").format(fault=record.what)
    return MedAISegError(what, remedy=_("The log has the details; please report it with them."))


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _object(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line.decode())
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error
    if not isinstance(message, dict):
        raise ValueError("no JSON object")
    return message


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no request's number")
    return value
