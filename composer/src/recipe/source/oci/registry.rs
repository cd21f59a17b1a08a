//! A repository of a registry: its manifests and blobs, with whatever login the registry wants.

use std::cell::RefCell;

use serde::Deserialize;
use serde_json::Value;
use ureq::http::Method;

use crate::recipe::{
    Digest,
    source::{
        OciReference,
        error::FetchErrorKind,
        http::{Client, HttpAnswer, HttpRequest, ServerSettings, is_loopback},
    },
};

use super::{
    auth::{Challenge, challenge, encoded},
    credentials::{self, Credentials},
    manifest,
    manifest::{Descriptor, OciDocument},
};

/// What one wants to do, in the words of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RegistryAccess {
    Pull,
    Push,
    Catalog,
}

/// A repository in a registry.
pub(super) struct Registry<'a> {
    client: Client<'a>,
    /// As the user writes it.
    host: String,
    /// `https://ghcr.io/v2/`
    base: String,
    /// `example/tcp`
    repository: String,
    access: RegistryAccess,
    authorization: RefCell<Option<String>>,
}

/// The most bytes of the answer with a token.
const TOKEN: u64 = 1 << 20;

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl<'a> Registry<'a> {
    pub(super) fn new(
        reference: &OciReference,
        access: RegistryAccess,
        connection: &'a ServerSettings,
    ) -> Self {
        Self::of(reference.host(), reference.repository(), access, connection)
    }

    pub(super) fn of(
        host: &str,
        repository: &str,
        access: RegistryAccess,
        connection: &'a ServerSettings,
    ) -> Self {
        let scheme = if is_loopback(host) || connection.plain_http { "http" } else { "https" };
        // The one registry whose name is not that of its server.
        let (server, repository) = match (host, repository.contains('/')) {
            ("docker.io", false) => ("registry-1.docker.io", format!("library/{repository}")),
            ("docker.io", true) => ("registry-1.docker.io", repository.to_owned()),
            _ => (host, repository.to_owned()),
        };
        Self {
            client: Client::new(connection),
            host: host.to_owned(),
            base: format!("{scheme}://{server}/v2/"),
            repository,
            access,
            authorization: RefCell::new(None),
        }
    }

    /// What a message calls something in it.
    pub(super) fn name_of(&self, reference: &str) -> String {
        let mark = if reference.starts_with("sha256:") { '@' } else { ':' };
        format!("{}/{}{mark}{reference}", self.host, self.repository)
    }

    /// The URL of something of this repository: `manifests/1.0.0`.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{}/{path}", self.base, self.repository)
    }

    /// The URL of something of the whole registry: `_catalog`.
    pub(super) fn url_of_all(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends a request, once more with a login where one is wanted.
    pub(super) fn send(&self, mut request: HttpRequest<'_>) -> Result<HttpAnswer, FetchErrorKind> {
        // An address that the registry gave may be on another server, which gets no login of this one.
        let is_own = request.url.starts_with(&self.base);
        if is_own {
            request.authorization.clone_from(&self.authorization.borrow());
        }
        let answer = self.client.send(&request)?;
        if answer.status() != 401 || !is_own {
            return match answer.status() {
                403 => Err(self.login(request.authorization.is_some(), None)),
                _ => Ok(answer),
            };
        }
        let Some(challenge) = challenge(&answer.headers("www-authenticate")) else {
            let why = "It does not say how, or in no way that is known.".to_owned();
            return Err(self.login(false, Some(why)));
        };
        let authorization = self.authorized(&challenge)?;
        request.authorization = Some(authorization.clone());
        *self.authorization.borrow_mut() = Some(authorization);
        let answer = self.client.send(&request)?;
        match answer.status() {
            401 | 403 => Err(self.login_after(&challenge)),
            _ => Ok(answer),
        }
    }

    fn login(&self, was_sent: bool, why: Option<String>) -> FetchErrorKind {
        FetchErrorKind::Login { server: self.host.clone(), was_sent, why }
    }

    /// Refused in spite of an answer to the challenge.
    fn login_after(&self, challenge: &Challenge) -> FetchErrorKind {
        match (credentials::of_user(&self.host), challenge) {
            (Credentials::Basic(_), _) => self.login(true, None),
            (Credentials::Elsewhere(why), _) => self.login(false, Some(why)),
            (Credentials::None, _) => self.login(false, None),
        }
    }

    /// The header that meets the challenge.
    fn authorized(&self, challenge: &Challenge) -> Result<String, FetchErrorKind> {
        let known = credentials::of_user(&self.host);
        match (challenge, known) {
            (Challenge::Basic, Credentials::Basic(basic)) => Ok(basic),
            (Challenge::Basic, Credentials::Elsewhere(why)) => Err(self.login(false, Some(why))),
            (Challenge::Basic, Credentials::None) => Err(self.login(false, None)),
            (Challenge::Bearer { realm, service, scope }, known) => {
                self.token(realm, service.as_deref(), scope.as_deref(), known)
            }
        }
    }

    fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: Option<&str>,
        known: Credentials,
    ) -> Result<String, FetchErrorKind> {
        let is_safe = realm.starts_with("https://")
            || (realm.starts_with("http://") && self.base.starts_with("http://"));
        if !is_safe {
            let realm: String = realm.chars().take(200).collect();
            let why = format!("It asks to log in at `{realm}`, which is no https URL.");
            return Err(self.login(false, Some(why)));
        }
        let own = match self.access {
            RegistryAccess::Pull => format!("repository:{}:pull", self.repository),
            RegistryAccess::Push => format!("repository:{}:pull,push", self.repository),
            RegistryAccess::Catalog => "registry:catalog:*".to_owned(),
        };
        let mut url = format!("{realm}{}", if realm.contains('?') { '&' } else { '?' });
        if let Some(service) = service {
            url = format!("{url}service={}&", encoded(service));
        }
        url = format!("{url}scope={}", encoded(scope.unwrap_or(&own)));
        let mut request = HttpRequest::get(url);
        let (was_sent, why) = match known {
            Credentials::Basic(basic) => {
                request.authorization = Some(basic);
                (true, None)
            }
            Credentials::Elsewhere(why) => (false, Some(why)),
            Credentials::None => (false, None),
        };
        let answer = self.client.send(&request)?;
        match answer.status() {
            200 => {}
            400 | 401 | 403 => return Err(self.login(was_sent, why)),
            _ => return Err(answer.refused("token")),
        }
        let bytes = answer.body("the answer with a token", TOKEN)?;
        let read = serde_json::from_slice::<TokenAnswer>(&bytes).ok();
        let token = read.and_then(|read| read.token.or(read.access_token));
        let is_token = |token: &String| token.bytes().all(|byte| byte.is_ascii_graphic());
        match token.filter(is_token) {
            Some(token) => Ok(format!("Bearer {token}")),
            None => Err(self.login(was_sent, Some("It gives no token.".to_owned()))),
        }
    }

    /// The document called `reference` (a tag or a digest), and its digest, which is the one that it is called by.
    pub(super) fn document(
        &self,
        reference: &str,
    ) -> Result<(OciDocument, Digest), FetchErrorKind> {
        let what = self.name_of(reference);
        let mut request = HttpRequest::get(self.url(&format!("manifests/{reference}")));
        request.accept = &manifest::ACCEPTED;
        let answer = self.send(request)?;
        if answer.status() != 200 {
            return Err(answer.refused(&format!("{}:{reference}", self.repository)));
        }
        // Where a tag is asked for, the registry says what it has.
        let told = answer.header("docker-content-digest").and_then(|told| told.parse().ok());
        let wanted: Option<Digest> = reference.parse().ok().or(told);
        let bytes = answer.body(&what, manifest::MOST)?;
        let found = Digest::of(&bytes);
        if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
            return Err(FetchErrorKind::Digest { what, wanted, found });
        }
        let document = OciDocument::read(&bytes);
        Ok((document.map_err(|why| FetchErrorKind::Image { what, why })?, found))
    }

    /// The bytes that `wanted` describes, of at most `limit`; nothing is read where it says to be larger.
    pub(super) fn blob(&self, wanted: &Descriptor, limit: u64) -> Result<Vec<u8>, FetchErrorKind> {
        let what = self.name_of(&wanted.digest.to_string());
        if wanted.size > limit {
            return Err(FetchErrorKind::TooLarge { what, limit });
        }
        let answer = self.send(HttpRequest::get(self.url(&format!("blobs/{}", wanted.digest))))?;
        if answer.status() != 200 {
            return Err(answer.refused(&format!("blob {}", wanted.digest)));
        }
        let bytes = answer.body(&what, wanted.size)?;
        let found = Digest::of(&bytes);
        if found == wanted.digest {
            Ok(bytes)
        } else {
            Err(FetchErrorKind::Digest { what, wanted: wanted.digest, found })
        }
    }

    /// Puts `bytes` into the registry, unless it has them.
    pub(super) fn push_blob(&self, bytes: &[u8]) -> Result<(), FetchErrorKind> {
        let digest = Digest::of(bytes);
        let mut request = HttpRequest::get(self.url(&format!("blobs/{digest}")));
        request.method = Method::HEAD;
        if self.send(request)?.status() == 200 {
            return Ok(());
        }
        let mut request = HttpRequest::get(self.url("blobs/uploads/"));
        request.method = Method::POST;
        request.body = Some(("application/octet-stream", &[]));
        let answer = self.send(request)?;
        let place = answer.header("location").and_then(|place| self.absolute(place));
        let (202, Some(place)) = (answer.status(), place) else {
            return Err(answer.refused(&format!("place for {}", self.repository)));
        };
        let mark = if place.contains('?') { '&' } else { '?' };
        let mut request =
            HttpRequest::get(format!("{place}{mark}digest={}", encoded(&digest.to_string())));
        request.method = Method::PUT;
        request.body = Some(("application/octet-stream", bytes));
        let answer = self.send(request)?;
        if answer.status() == 201 { Ok(()) } else { Err(answer.refused("place for a blob")) }
    }

    /// Puts a document under a tag or its digest.
    pub(super) fn push_document(
        &self,
        reference: &str,
        kind: &str,
        bytes: &[u8],
    ) -> Result<(), FetchErrorKind> {
        let mut request = HttpRequest::get(self.url(&format!("manifests/{reference}")));
        request.method = Method::PUT;
        request.body = Some((kind, bytes));
        let answer = self.send(request)?;
        match answer.status() {
            200 | 201 => Ok(()),
            _ => Err(answer.refused(&format!("place for {reference}"))),
        }
    }

    /// The names of a list that the registry has at `url`, in the order in which it has them.
    pub(super) fn list(
        &self,
        url: String,
        key: &str,
        what: &str,
    ) -> Result<Vec<String>, FetchErrorKind> {
        let answer = self.send(HttpRequest::get(url))?;
        if answer.status() != 200 {
            return Err(answer.refused(what));
        }
        let bytes = answer.body(what, manifest::MOST)?;
        let read: Option<Value> = serde_json::from_slice(&bytes).ok();
        let list = read.as_ref().and_then(|read| read.get(key)?.as_array());
        let names = list.into_iter().flatten().filter_map(Value::as_str);
        Ok(names.map(str::to_owned).collect())
    }

    /// The tags of the repository.
    pub(super) fn tags(&self) -> Result<Vec<String>, FetchErrorKind> {
        self.list(self.url("tags/list?n=1000"), "tags", &format!("repository {}", self.repository))
    }

    /// A place that the registry gave, which may be a path; none where it is in the open.
    fn absolute(&self, place: &str) -> Option<String> {
        let root = self.base.strip_suffix("/v2/")?;
        match place.strip_prefix('/') {
            Some(path) => Some(format!("{root}/{path}")),
            None => (place.starts_with("https://") || place.starts_with(&self.base))
                .then(|| place.to_owned()),
        }
    }
}
