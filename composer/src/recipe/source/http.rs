//! HTTP as everything here uses it: https with the machine's certificates, plain http to this machine
//! alone or where the user allows it; few redirects, and none that leaves the scheme; limits of size
//! and time.

use std::{
    cell::OnceCell,
    fs,
    net::{IpAddr, Ipv6Addr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use ureq::{
    Agent, Body,
    http::{Method, Request, Response, Uri, header},
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::error::FetchErrorKind;

/// How servers are spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// Certificates of authorities that are trusted instead of the machine's.
    pub ca: Option<PathBuf>,
    /// The longest time of one request with its answer.
    pub timeout: Duration,
    /// Whether registries on other machines may be spoken to without TLS.
    pub plain_http: bool,
}

impl ServerSettings {
    /// How long is waited for an answer unless the user says otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(120);
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self { ca: None, timeout: Self::TIMEOUT, plain_http: false }
    }
}

/// The longest time until a connection is open.
const CONNECT: Duration = Duration::from_secs(15);
/// The most redirects that are followed.
const REDIRECTS: usize = 5;
/// The most bytes of a message in an error's answer.
const MESSAGE: u64 = 64 << 10;

/// A client; connections stay open between requests.
pub(super) struct Client<'a> {
    pub(super) connection: &'a ServerSettings,
    secure: OnceCell<Agent>,
    plain: OnceCell<Agent>,
}

/// A request, which can be sent again.
pub(super) struct HttpRequest<'a> {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) accept: &'a [&'a str],
    /// Sent to the host of `url` only.
    pub(super) authorization: Option<String>,
    pub(super) body: Option<(&'a str, &'a [u8])>,
}

impl HttpRequest<'_> {
    pub(super) fn get(url: impl Into<String>) -> Self {
        Self { method: Method::GET, url: url.into(), accept: &[], authorization: None, body: None }
    }
}

/// An answer, whose body is still to be read.
pub(super) struct HttpAnswer {
    /// `host[:port]` of who answered.
    pub(super) server: String,
    response: Response<Body>,
    timeout: Duration,
}

impl<'a> Client<'a> {
    pub(super) fn new(connection: &'a ServerSettings) -> Self {
        Self { connection, secure: OnceCell::new(), plain: OnceCell::new() }
    }

    /// Sends `request`, and again to where it is redirected.
    pub(super) fn send(&self, request: &HttpRequest<'_>) -> Result<HttpAnswer, FetchErrorKind> {
        let mut url = request.url.clone();
        let first = parsed(&url)?;
        for _ in 0..=REDIRECTS {
            let uri = parsed(&url)?;
            let server = server(&uri);
            let is_first_host = uri.authority() == first.authority();
            let response = self.once(request, &uri, is_first_host)?;
            let status = response.status().as_u16();
            let is_redirect = matches!(status, 301 | 302 | 303 | 307 | 308)
                && [Method::GET, Method::HEAD].contains(&request.method);
            if !is_redirect {
                let timeout = self.connection.timeout;
                return Ok(HttpAnswer { server, response, timeout });
            }
            let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            url = redirected(&uri, to.unwrap_or_default())?;
        }
        let why = "there were too many redirects before";
        Err(FetchErrorKind::Redirect { server: server(&first), to: url, why })
    }

    fn once(
        &self,
        request: &HttpRequest<'_>,
        uri: &Uri,
        is_first_host: bool,
    ) -> Result<Response<Body>, FetchErrorKind> {
        let agent = self.agent(uri)?;
        let mut sent = Request::builder().method(request.method.clone()).uri(uri.clone());
        if !request.accept.is_empty() {
            sent = sent.header(header::ACCEPT, request.accept.join(", "));
        }
        if let Some(authorization) = request.authorization.as_ref().filter(|_| is_first_host) {
            sent = sent.header(header::AUTHORIZATION, authorization);
        }
        let answer = match request.body {
            None => sent.body(()).map_err(ureq::Error::from).and_then(|sent| agent.run(sent)),
            Some((kind, bytes)) => sent
                .header(header::CONTENT_TYPE, kind)
                .body(bytes)
                .map_err(ureq::Error::from)
                .and_then(|sent| agent.run(sent)),
        };
        answer.map_err(|error| told(&error, server(uri), self.connection.timeout))
    }

    /// The agent for this kind of URL.
    fn agent(&self, uri: &Uri) -> Result<&Agent, FetchErrorKind> {
        let is_secure = uri.scheme_str() == Some("https");
        let place = if is_secure { &self.secure } else { &self.plain };
        if let Some(agent) = place.get() {
            return Ok(agent);
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .https_only(is_secure)
            .timeout_connect(Some(CONNECT.min(self.connection.timeout)))
            .timeout_global(Some(self.connection.timeout))
            .user_agent(concat!("freplace-compose/", env!("CARGO_PKG_VERSION")))
            .accept("*/*");
        if is_secure {
            config = config.tls_config(self.tls()?);
        } else {
            // This machine is not behind a proxy.
            config = config.proxy(None);
        }
        Ok(place.get_or_init(|| config.build().new_agent()))
    }

    fn tls(&self) -> Result<TlsConfig, FetchErrorKind> {
        let roots = match &self.connection.ca {
            Some(file) => of_file(file)?,
            None => rustls_native_certs::load_native_certs()
                .certs
                .iter()
                .map(|root| Certificate::from_der(root).to_owned())
                .collect(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&roots))
            .unversioned_rustls_crypto_provider(provider)
            .build())
    }
}

/// The certificates in a file.
fn of_file(path: &PathBuf) -> Result<Vec<Certificate<'static>>, FetchErrorKind> {
    let failed = |why: String| FetchErrorKind::File { path: path.clone(), why };
    let bytes = fs::read(path).map_err(|error| failed(crate::files::plain(&error)))?;
    let found = parse_pem(&bytes).filter_map(|item| match item {
        Ok(PemItem::Certificate(found)) => Some(found),
        _ => None,
    });
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        Err(failed("it has no certificate in PEM".to_owned()))
    } else {
        Ok(found)
    }
}

impl HttpAnswer {
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    pub(super) fn headers(&self, name: &str) -> Vec<String> {
        let values = self.response.headers().get_all(name).iter();
        values.filter_map(|value| Some(value.to_str().ok()?.to_owned())).collect()
    }

    /// Its body, of at most `limit` bytes. `what` is in the message where it is larger.
    pub(super) fn body(mut self, what: &str, limit: u64) -> Result<Vec<u8>, FetchErrorKind> {
        let too_large = || FetchErrorKind::TooLarge { what: what.to_owned(), limit };
        let body = self.response.body_mut();
        if body.content_length().is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        // The limit of ureq is the first that is too much.
        match body.with_config().limit(limit + 1).read_to_vec() {
            Ok(bytes) if bytes.len() as u64 > limit => Err(too_large()),
            Ok(bytes) => Ok(bytes),
            Err(ureq::Error::BodyExceedsLimit(_)) => Err(too_large()),
            Err(error) => Err(told(&error, self.server, self.timeout)),
        }
    }

    /// The error for an answer that does not have `what` was asked for.
    pub(super) fn refused(self, what: &str) -> FetchErrorKind {
        let (server, status) = (self.server.clone(), self.status());
        match status {
            404 | 410 => FetchErrorKind::Absent { server, what: what.to_owned() },
            401 | 403 => FetchErrorKind::Login { server, was_sent: false, why: None },
            _ => {
                let said = self.body(what, MESSAGE).ok().and_then(|bytes| first_words(&bytes));
                FetchErrorKind::Answer { server, status, said }
            }
        }
    }
}

/// What an answer says: the message of a registry, or the first line of a text.
fn first_words(bytes: &[u8]) -> Option<String> {
    let json = serde_json::from_slice::<serde_json::Value>(bytes).ok();
    let message = json.as_ref().and_then(|json| {
        let error = json.get("errors")?.get(0)?;
        error.get("message").or_else(|| error.get("code"))?.as_str()
    });
    let text = String::from_utf8_lossy(bytes);
    let line = message.or_else(|| text.lines().map(str::trim).find(|line| !line.is_empty()))?;
    Some(line.chars().take(200).collect())
}

fn parsed(url: &str) -> Result<Uri, FetchErrorKind> {
    let found = url.parse::<Uri>().ok().filter(|uri| uri.host().is_some());
    let why = || "this is not a URL".to_owned();
    found.ok_or_else(|| FetchErrorKind::Unreachable { server: url.to_owned(), why: why() })
}

fn server(uri: &Uri) -> String {
    uri.authority().map(ToString::to_string).unwrap_or_default()
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|digit| digit.is_ascii_digit()) { name } else { host }
    });
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || address.parse::<IpAddr>().is_ok_and(|address| match address {
            IpAddr::V4(address) => address.is_loopback(),
            IpAddr::V6(address) => address == Ipv6Addr::LOCALHOST,
        })
}

/// Where `to` leads from `from`; never to another scheme, and without TLS never to another host.
fn redirected(from: &Uri, to: &str) -> Result<String, FetchErrorKind> {
    let refused =
        |why| Err(FetchErrorKind::Redirect { server: server(from), to: to.to_owned(), why });
    let scheme = from.scheme_str().unwrap_or_default();
    let host = server(from);
    let to = to.split('#').next().unwrap_or_default();
    let url = if to.is_empty() {
        return refused("it does not say where to");
    } else if to.contains("://") {
        to.to_owned()
    } else if to.starts_with("//") {
        format!("{scheme}:{to}")
    } else if to.starts_with('/') {
        format!("{scheme}://{host}{to}")
    } else {
        let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{host}{folder}/{to}")
    };
    let Ok(uri) = url.parse::<Uri>() else { return refused("this is not a URL") };
    if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        return refused("there is a user in front of the host");
    }
    if uri.scheme_str() != Some(scheme) {
        return refused("it leaves the scheme");
    }
    if scheme == "http" && uri.authority() != from.authority() {
        return refused("without TLS, no other host is trusted");
    }
    Ok(url)
}

/// An error of the client in words.
fn told(error: &ureq::Error, server: String, limit: Duration) -> FetchErrorKind {
    match error {
        ureq::Error::Timeout(_) => FetchErrorKind::Slow { server, limit },
        ureq::Error::HostNotFound => {
            FetchErrorKind::Unreachable { server, why: "there is no host of this name".to_owned() }
        }
        ureq::Error::Io(error) => match rustls_error(error) {
            Some(why) => of_tls(why, server),
            None if error.kind() == std::io::ErrorKind::TimedOut => {
                FetchErrorKind::Slow { server, limit }
            }
            None => FetchErrorKind::Unreachable { server, why: crate::files::plain(error) },
        },
        ureq::Error::Rustls(why) => of_tls(why, server),
        other => FetchErrorKind::Unreachable { server, why: other.to_string() },
    }
}

fn rustls_error(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref::<rustls::Error>()
}

fn of_tls(error: &rustls::Error, server: String) -> FetchErrorKind {
    match error {
        rustls::Error::InvalidCertificate(why) => {
            FetchErrorKind::Certificate { server, why: why.to_string() }
        }
        other => FetchErrorKind::Unreachable { server, why: format!("TLS: {other}") },
    }
}

#[cfg(test)]
mod tests {
    use ureq::http::Uri;

    use super::{is_loopback, redirected};

    #[test]
    fn this_machine_is_known_by_its_names() {
        for host in ["localhost", "localhost:5000", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:80"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["localhost.example.org", "128.0.0.1", "ghcr.io", "[::2]:80", "127.0.0.1.nip.io"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn redirects_stay_in_their_scheme() {
        let from: Uri = "https://a.org:8443/x/y?z".parse().expect("a URL");
        for (to, url) in [
            ("https://b.org/q", "https://b.org/q"),
            ("//b.org/q", "https://b.org/q"),
            ("/q", "https://a.org:8443/q"),
            ("q?r#s", "https://a.org:8443/x/q?r"),
        ] {
            assert_eq!(redirected(&from, to).expect(to), url);
        }
        for to in [
            "http://a.org:8443/x",
            "file:///etc/passwd",
            "",
            "https://",
            "https://u:p@a.org/",
            "gopher://a",
        ] {
            assert!(redirected(&from, to).is_err(), "{to}");
        }
        let plain: Uri = "http://127.0.0.1:5000/x".parse().expect("a URL");
        assert!(redirected(&plain, "/y").is_ok());
        for to in ["http://127.0.0.1:5001/x", "http://example.org/", "https://127.0.0.1:5000/x"] {
            assert!(redirected(&plain, to).is_err(), "{to}");
        }
    }
}
