"""The operator's side of reports: a receiver, an offline opener and aggregator, a pipeline for fleets, a simulation."""
