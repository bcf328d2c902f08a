"""The outside witness: what other libraries read back from the kernel and hear from DNS, in plain sentences.

It changes nothing that stands, and asks nobody but the configured resolvers and the agent itself.
"""
