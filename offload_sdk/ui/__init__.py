"""`offload-sdk ui`: serves the web page on this device and classifies for it. The page itself is in `page/`.

`run` starts and stops it, `app` has the routes, `guard` says who may come in, `connection` for how long, `desk`
classifies, `steered` lets one picture take another way than the policy's, `recent` remembers what the last ones
took.
"""
