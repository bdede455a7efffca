"""The HTTP application: routes and error shapes. No request logic, no thread, no socket."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from offload_sdk._version import __version__
from offload_sdk.digest import DIGEST_HEADER
from offload_sdk.wire import ANALYZE_PATH, REQUEST_ID_HEADER, SERVER_TIMING_HEADER
from server_stub.access import Access, rates, token_guard
from server_stub.analyze import Analyze
from server_stub.answers import problem_response
from server_stub.cors import Cors
from server_stub.direct_route import DirectRoute
from server_stub.engine import Clock, Loader
from server_stub.gate import DisconnectedError, Gate
from server_stub.health import add_health
from server_stub.logs import RequestLog
from server_stub.metrics import CONTENT_TYPE, METRICS_PATH, ServerMetrics
from server_stub.open_inference import add_open_inference
from server_stub.pages import add_docs, add_page
from server_stub.pool import Pool, PoolState
from server_stub.problems import RequestError
from server_stub.reload import Reloader
from server_stub.scheduling import DEFAULT_SCHEDULER, Scheduler, make_scheduler
from server_stub.schema import ANALYZE_EXTRA, ANALYZE_RESPONSES, METRICS_RESPONSES
from server_stub.served import GONE_STATUS, Served, notes_of
from server_stub.settings import ServerSettings
from server_stub.shell import RequestShell

__all__ = ["create_app"]

_CODES = {404: "not_found", 405: "method_not_allowed"}


def create_app(
    settings: ServerSettings,
    loader: Loader,
    *,
    scheduler: Scheduler | None = None,
    clock: Clock = time.monotonic,
    on_state: Callable[[PoolState], None] = lambda state: None,
    telemetry: Callable[[Served], None] | None = None,
) -> FastAPI:
    """Return the application; the model is loaded in the background once it starts.

    `app.state.pool` is its `Pool`, and `app.state.reloader` loads the model anew. `on_state` is called on the
    event loop when loading has ended, and `telemetry` for each request that has been answered.
    """
    metrics = ServerMetrics()
    log = RequestLog(settings.log_requests, clock=clock)
    pool = Pool(
        loader,
        workers=settings.workers,
        queue_bound=settings.queue_bound,
        max_inflight_bytes=settings.max_inflight_bytes,
        infer_timeout_s=settings.infer_timeout_s,
        scheduler=make_scheduler(settings.scheduler or DEFAULT_SCHEDULER) if scheduler is None else scheduler,
        clock=clock,
        on_state=on_state,
        observer=metrics,
    )
    metrics.watch(pool)
    reloader = Reloader(pool, loader, reloaded=metrics.reloaded)

    def report(served: Served) -> None:
        metrics(served)
        log(served)
        if telemetry is not None:
            telemetry(served)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool.start()
        yield
        await reloader.close()
        await pool.close()

    app = FastAPI(
        title="offload-sdk server", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.pool = pool
    app.state.reloader = reloader

    add_health(app, pool)
    add_docs(app)
    if settings.page:
        add_page(app, settings)

    async def metrics_text() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    gate = Gate(pool, settings, clock)
    endpoint = Analyze(gate)

    async def analyze(request: Request) -> Response:
        return await endpoint(request)

    app.add_api_route(
        METRICS_PATH,
        metrics_text,
        methods=["GET"],
        summary="Metrics for Prometheus",
        responses=METRICS_RESPONSES,
        response_model=None,
    )
    app.router.add_api_route(
        ANALYZE_PATH,
        analyze,
        route_class_override=DirectRoute,
        methods=["POST"],
        summary="Classify a picture",
        responses=ANALYZE_RESPONSES,
        openapi_extra=ANALYZE_EXTRA,
        response_model=None,
    )
    add_open_inference(app, pool, gate, max_body_bytes=settings.max_body_bytes)
    _map_errors(app)
    app.add_middleware(
        Access,
        guard=token_guard(settings, clock),
        rates=rates(settings, clock),
        public_metrics=settings.public_metrics,
    )
    if settings.cors_origins:
        app.add_middleware(
            Cors,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=[REQUEST_ID_HEADER, SERVER_TIMING_HEADER, DIGEST_HEADER, "Retry-After"],
        )
    app.add_middleware(
        RequestShell,
        max_body_bytes=settings.max_body_bytes,
        clock=clock,
        closing=lambda: pool.state == "draining",
        report=report,
    )
    return app


def _map_errors(app: FastAPI) -> None:
    """Give every error, the framework's own ones too, the contract's shape, and note it."""

    async def on_problem(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, RequestError)
        notes_of(request.scope).problem = problem
        return problem_response(problem, request.scope["path"])

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _CODES.get(error.status_code, "error")
        problem = RequestError(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))
        return await on_problem(request, problem)

    async def on_validation(request: Request, error: Exception) -> Response:
        return await on_problem(
            request, RequestError(400, "bad_request", "the request does not have the expected shape")
        )

    async def on_disconnect(request: Request, error: Exception) -> Response:
        return Response(status_code=GONE_STATUS)  # nobody reads it

    app.add_exception_handler(RequestError, on_problem)
    app.add_exception_handler(DisconnectedError, on_disconnect)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_validation)
