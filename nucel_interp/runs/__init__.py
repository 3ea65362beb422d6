"""Files of any size: read as a stream, in shards that are kept, so that a run can be resumed."""
