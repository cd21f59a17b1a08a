//! The throw-away micro-VM.
