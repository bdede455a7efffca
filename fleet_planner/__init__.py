"""Which device talks to which edge or cloud server: plans for a whole fleet, as integer programs."""
