"""`offload-sdk ui`: serves the web page on this device and classifies for it. The page itself is in `page/`."""
