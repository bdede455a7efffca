"""What the network does to local against cloud: the same experiment over many round trips and technologies."""
