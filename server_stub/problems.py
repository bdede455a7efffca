"""The ways a request can fail, each with its HTTP status and code. No web framework here, no logging."""

from __future__ import annotations

from offload_sdk.digest import DIGEST_HEADER, WANT_DIGEST, WANT_DIGEST_HEADER

__all__ = ["RequestError"]


class RequestError(Exception):
    """A request is answered with `status` and `{"error": {"code", "message"}}`.

    The message is for the caller: it says what to do and holds no path of the server and no secret.
    `retry_after_s`, whole seconds, becomes `Retry-After`; `headers` are further response headers.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after_s: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)

    @property
    def is_final(self) -> bool:
        """Whether the same request would meet it again, however often it is sent."""
        return self.status in (400, 413)

    def again(self) -> RequestError:
        """Return the same without its traceback, whose frames hold the request's body."""
        return RequestError(self.status, self.code, self.message, headers=self.headers)

    @classmethod
    def bad_request(cls, message: str) -> RequestError:
        return cls(400, "bad_request", message)

    @classmethod
    def no_image(cls, message: str) -> RequestError:
        return cls(400, "no_image", message)

    @classmethod
    def malformed_form(cls, message: str) -> RequestError:
        return cls(400, "malformed_form", message)

    @classmethod
    def malformed_request(cls, message: str) -> RequestError:
        return cls(400, "malformed_request", message, headers={"Connection": "close"})

    @classmethod
    def invalid_image(cls, message: str) -> RequestError:
        return cls(400, "invalid_image", message)

    @classmethod
    def digest_malformed(cls, why: str) -> RequestError:
        return cls._of_digest("digest_malformed", f"{DIGEST_HEADER} cannot be read: {why}")

    @classmethod
    def digest_missing(cls) -> RequestError:
        return cls._of_digest("digest_missing", f"the body must come with its {DIGEST_HEADER}: sha-256=:BASE64:")

    @classmethod
    def digest_mismatch(cls) -> RequestError:
        return cls._of_digest(
            "digest_mismatch",
            f"the body is not what its {DIGEST_HEADER} says: it was changed on the way; send it again",
        )

    @classmethod
    def _of_digest(cls, code: str, message: str) -> RequestError:
        """The header tells a client, in any protocol, that its request is at fault and not its picture."""
        return cls(400, code, message, headers={WANT_DIGEST_HEADER: WANT_DIGEST})

    @classmethod
    def unauthorized(cls) -> RequestError:
        return cls(
            401,
            "unauthorized",
            "a valid token is needed: send the header Authorization: Bearer TOKEN",
            headers={"WWW-Authenticate": 'Bearer realm="offload"'},
        )

    @classmethod
    def unknown_model(cls, name: str, known: str) -> RequestError:
        return cls(404, "unknown_model", f"there is no model {name[:100]!r} here; this server has {known!r}")

    @classmethod
    def slow_body(cls, limit_s: float) -> RequestError:
        return cls(408, "request_timeout", f"the body came too slowly, or not within {limit_s:g} s")

    @classmethod
    def body_too_large(cls, limit_bytes: int) -> RequestError:
        return cls(413, "too_large", f"the body exceeds {limit_bytes:,} bytes; send a smaller picture")

    @classmethod
    def too_many_pixels(cls, pixels: int, limit: int) -> RequestError:
        return cls(
            413,
            "too_many_pixels",
            f"the picture has {pixels:,} pixels, and at most {limit:,} are taken; send a smaller one",
        )

    @classmethod
    def uri_too_long(cls, limit_bytes: int) -> RequestError:
        return cls(414, "uri_too_long", f"the path with its query exceeds {limit_bytes:,} bytes")

    @classmethod
    def head_too_large(cls, fields: int, limit_bytes: int) -> RequestError:
        return cls(
            431,
            "head_too_large",
            f"at most {fields} header fields of together {limit_bytes:,} bytes are taken",
            headers={"Connection": "close"},
        )

    @classmethod
    def unsupported_media_type(cls, message: str) -> RequestError:
        return cls(415, "unsupported_media_type", message)

    @classmethod
    def too_often(cls, retry_after_s: int) -> RequestError:
        return cls(
            429,
            "too_many_requests",
            "this client sends more than its share; slow down",
            retry_after_s=retry_after_s,
        )

    @classmethod
    def internal(cls) -> RequestError:
        return cls(500, "internal", "the server failed on this request; its log has the details under this id")

    @classmethod
    def takes_no_pictures(cls) -> RequestError:
        return cls(501, "takes_no_pictures", "this model takes tensors only; see /v2 (Open Inference Protocol)")

    @classmethod
    def model_replaced(cls) -> RequestError:
        return cls(
            503, "model_replaced", "the server has another kind of model now; ask for it again", retry_after_s=1
        )

    @classmethod
    def not_ready(cls, state: str) -> RequestError:
        return cls(503, state, f"the server is {state}; try again later", retry_after_s=2)

    @classmethod
    def overloaded(cls, retry_after_s: int) -> RequestError:
        return cls(
            503, "overloaded", "too many requests are waiting; try again later", retry_after_s=retry_after_s
        )

    @classmethod
    def too_many_connections(cls) -> RequestError:
        return cls(
            503,
            "overloaded",
            "too many connections are open; try again later",
            retry_after_s=2,
            headers={"Connection": "close"},
        )

    @classmethod
    def deadline(cls) -> RequestError:
        return cls(504, "deadline_exceeded", "the deadline passed before the picture could be classified")
