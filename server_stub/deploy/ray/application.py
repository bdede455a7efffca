"""The Ray Serve application: an ingress that speaks HTTP and holds the queue, and replicas with an engine each.

    serve run server_stub.deploy.ray.application:build min_replicas=2 max_replicas=16

The only file here that knows Serve's deployments. All else of the server is as everywhere: the ingress is the
same application, whose workers hand their pictures to replicas.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, model_validator
from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from server_stub.app import create_app
from server_stub.deploy.ray.capacity import WithinCapacity, share
from server_stub.deploy.ray.remote import RemoteSource
from server_stub.deploy.ray.replica import Model, Replica
from server_stub.engine import Loader
from server_stub.logs import configure_logging
from server_stub.options import read_settings, settings_of_the_sdk
from server_stub.scheduling import DEFAULT_SCHEDULER, make_scheduler
from server_stub.settings import ServerSettings
from server_stub.telemetry import open_telemetry

__all__ = ["RayOptions", "build"]

_INGRESS = "Ingress"
_ENGINES = "Engines"
_LOOK_S = 1.0
# A busy replica counts 1: with all busy there are more than are wanted, so that Ray adds one.
_TARGET_BUSY_FRAC = 0.8


class RayOptions(BaseModel):
    """What `serve run` or the configuration file says beside the settings, which are the nodes' environment.

    Ray keeps between `min_replicas` and `max_replicas` of them, each on `replica_cpus` cores. `ingresses` speak
    HTTP; each has a queue of its own and fills its part of the replicas.
    """

    model_config = ConfigDict(extra="forbid")

    min_replicas: int = Field(default=1, ge=1)
    max_replicas: int = Field(default=4, ge=1, le=256)
    replica_cpus: float = Field(default=1.0, gt=0)
    ingresses: int = Field(default=1, ge=1)
    ingress_cpus: float = Field(default=0.5, ge=0)
    upscale_delay_s: float = Field(default=5.0, ge=0)
    downscale_delay_s: float = Field(default=120.0, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> RayOptions:
        if self.max_replicas < self.min_replicas:
            raise ValueError("max_replicas must be at least min_replicas")
        return self


def build(options: RayOptions) -> serve.Application:
    """Return the application for `serve run` or `serve.run`."""
    engines = serve.deployment(
        name=_ENGINES,
        max_ongoing_requests=1,
        ray_actor_options={"num_cpus": options.replica_cpus},
        health_check_period_s=2.0,
        health_check_timeout_s=10.0,
        autoscaling_config={
            "min_replicas": options.min_replicas,
            "max_replicas": options.max_replicas,
            "target_ongoing_requests": _TARGET_BUSY_FRAC,
            "look_back_period_s": 15.0,
            "upscale_delay_s": options.upscale_delay_s,
            "downscale_delay_s": options.downscale_delay_s,
        },
    )(Replica)

    def make_app() -> FastAPI:
        return _application(options)

    ingress = serve.deployment(
        name=_INGRESS,
        num_replicas=options.ingresses,
        max_ongoing_requests=ServerSettings().max_connections,
        ray_actor_options={"num_cpus": options.ingress_cpus},
    )(serve.ingress(make_app)())
    return ingress.bind(engines.bind())


def _application(options: RayOptions) -> FastAPI:
    """The HTTP application, made where it runs: in each ingress."""
    configure_logging()
    settings = dataclasses.replace(
        read_settings([], os.environ, prog="ray", inherited=settings_of_the_sdk(os.environ)),
        workers=share(options.max_replicas, options.ingresses),
    )
    name = serve.get_replica_context().app_name
    replicas = _ReplicaCount(name)
    scheduler = make_scheduler(settings.scheduler or DEFAULT_SCHEDULER)
    return create_app(
        settings,
        _loader(serve.get_deployment_handle(_ENGINES, name), settings),
        scheduler=WithinCapacity(scheduler, lambda: replicas.share),
        telemetry=open_telemetry() if settings.telemetry else None,
    )


def _loader(handle: DeploymentHandle[Any], settings: ServerSettings) -> Loader:
    def load() -> RemoteSource:
        model: Model = handle.model.remote().result()  # waits for the first replica
        return RemoteSource(model=model, handle=handle, timeout_s=settings.infer_timeout_s)

    return load


class _ReplicaCount:
    """Asks Ray on a thread of its own how many replicas are up; `share` is this ingress's part of them."""

    def __init__(self, application: str) -> None:
        self._application = application
        self.share = 0
        threading.Thread(target=self._look, name="offload-replicas", daemon=True).start()

    def _look(self) -> None:
        while True:
            try:
                found = serve.status().applications[self._application].deployments
                running = {
                    name: sum(count for state, count in each.replica_states.items() if state == "RUNNING")
                    for name, each in found.items()
                }
                self.share = share(running[_ENGINES], running[_INGRESS])
            except (
                KeyError,
                RayError,
                RayServeException,
            ):  # Ray's controller is away for a moment; its last word stands
                pass
            time.sleep(_LOOK_S)
