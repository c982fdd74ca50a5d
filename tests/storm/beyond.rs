//! A storm against the tables' ends, a sink that hangs, and what is counted for other reasons than the throttle's.
