"""The server: `/analyze` for pictures, `/` for health. Of `offload_sdk`: wire, errors, model, _types, _cores."""
