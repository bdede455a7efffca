"""Where the server runs: container, compose, Kubernetes, Ray. Nothing outside this folder imports it."""
