"""The server: `/analyze` for pictures, `/` for health. Of `offload_sdk` it uses wire, errors, model, _types."""
