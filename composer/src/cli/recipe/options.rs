//! Options of the verbs that use recipes from elsewhere.

use std::{path::PathBuf, time::Duration};

use freplace_compose::recipe::{LockOptions, source::ServerSettings};

/// How servers are spoken to.
#[derive(Debug, Clone, Default, clap::Args)]
pub(in crate::cli) struct ConnectionFlags {
    /// Trust the certificate authorities in FILE instead of those of this machine.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Longest time for one request [default: 120].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// Use registries on other machines without TLS.
    #[arg(long)]
    plain_http: bool,
}

impl ConnectionFlags {
    pub(in crate::cli) fn connection(&self) -> ServerSettings {
        ServerSettings {
            ca: self.ca.clone(),
            timeout: self.timeout.map_or(ServerSettings::TIMEOUT, Duration::from_secs),
            plain_http: self.plain_http,
        }
    }
}

/// How chain.lock is obeyed.
#[derive(Debug, Clone, Default, clap::Args)]
pub(in crate::cli) struct LockFlags {
    /// Fail if an included recipe or an object is not in chain.lock or differs from it, folders of this machine included.
    #[arg(long)]
    locked: bool,
    /// Use the cache only, and no server.
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    connection: ConnectionFlags,
}

impl LockFlags {
    pub(in crate::cli) fn options(&self) -> LockOptions {
        let connection = self.connection.connection();
        LockOptions { locked: self.locked, offline: self.offline, connection }
    }
}
