"""Policies over recorded links on a virtual clock: `python -m benchmarks.policies`. Simulated, not measured.

The device's own estimators and policies run beside published rules and a clairvoyant oracle. What the world is:

- one local interpreter that works off its queue in order; one uplink, a serial link that sends one request after
  the other at the trace's rate; a server with as many workers as it needs; an answer comes one round trip and
  the server's time after the last byte has left;
- one more round trip where the connection is cold: unused for 55 s, or after a time-out. A request that was
  cancelled because the other side had answered costs no handshake: the pool replaces its connection meanwhile;
- a running inference cannot be stopped: as a duplicate it holds up the images behind it. A waiting one is dropped,
  an upload is stopped at the byte it has got to;
- every policy meets the same images: sizes, times of computing and arrivals are drawn before. The size of an image
  is known before the decision; preparing it costs nothing on either side;
- packet loss beyond what is in the trace's rate, and the download of the answer, are left out.
"""
