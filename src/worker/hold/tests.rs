//! Which lines fold, and when events are let go.
