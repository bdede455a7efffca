"""Every error this library raises on purpose, as one tree. No logic, no imports of foreign packages.

    OffloadError
    ├── InvalidImageError      (also ValueError)    the image cannot be classified; nothing was sent or inferred
    ├── ConfigurationError     (also ValueError)    a setting is wrong; the message names it and says what to do
    ├── ModelError                                  a model is missing, damaged or not an image classifier
    └── RemoteError                                 an endpoint gave no usable answer
        └── DeadlineExceededError (also TimeoutError)   ... within the time that was left

Foreign exceptions (Pillow, requests, SQLite, the TFLite runtime) are mapped once, where they enter.
While the local path works, a `RemoteError` is recorded in the log and never reaches the caller.
"""

from __future__ import annotations

__all__ = [
    "ConfigurationError",
    "DeadlineExceededError",
    "InvalidImageError",
    "ModelError",
    "OffloadError",
    "RemoteError",
]


class OffloadError(Exception):
    """The root: `except OffloadError` catches all that this library raises on purpose."""


class InvalidImageError(OffloadError, ValueError):
    """The input is not an image that can be classified. The message says what is wrong with it."""


class ConfigurationError(OffloadError, ValueError):
    """A setting, an argument or the environment is wrong. The message says which and what to do."""


class ModelError(OffloadError):
    """A model is not there, does not match its checksum, or is not an image classifier."""


class RemoteError(OffloadError):
    """An endpoint gave no usable answer.

    Attributes:
        kind: what went wrong, one of `connect` (no connection), `timeout`, `broken` (the connection ended
            too early), `status` (an HTTP error), `protocol` (an answer that makes no sense),
            `refused` (the server asked us to stay away: 429, 503), `late` (it cannot keep the deadline: 504),
            `auth` (it did not accept the token), `integrity` (request or answer were changed on the way),
            `input` (it did not accept the image), `redaction` (the hook failed, so that nothing was sent), `busy`
            (too many requests of ours are waiting already).
        status: the HTTP status, if there was one.
        retry_after_s: how long the server asked us to wait, if it did.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str = "status",
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.retry_after_s = retry_after_s


class DeadlineExceededError(RemoteError, TimeoutError):
    """No answer came within the deadline, and there was no local path to fall back to."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message, kind="timeout", retry_after_s=retry_after_s)
