"""Answering the devices' DNS: listeners, lanes, the replies that are kept, and the servers that are asked."""
