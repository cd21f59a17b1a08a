//! What is found, on small programs; and that no bytes lead astray.
