"""The server on a Ray cluster: `serve run server_stub.deploy.ray.application:build`. Imports nothing by itself."""
