//! Servers of the tests, on loopback: what they answer is a function of what they are asked.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// With the query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }
}

/// What becomes of a request.
pub enum ServerReply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Nothing, until the client goes.
    Silence,
    /// Bytes as they are, after which the connection is closed.
    Raw(Vec<u8>),
}

impl ServerReply {
    pub fn of(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.into() }
    }

    pub fn to(location: impl Into<String>) -> Self {
        Self::Answer { status: 302, headers: vec![("location", location.into())], body: Vec::new() }
    }
}

type Handler = dyn Fn(&Asked) -> ServerReply + Send + Sync;

/// Serves on a free port until the test ends; `127.0.0.1:PORT`.
pub fn plain(handler: impl Fn(&Asked) -> ServerReply + Send + Sync + 'static) -> String {
    serve(None, Arc::new(handler))
}

/// The same with TLS, under the certificate of `authority`.
pub fn secure(
    authority: &Authority,
    handler: impl Fn(&Asked) -> ServerReply + Send + Sync + 'static,
) -> String {
    let chain = CertificateDer::pem_file_iter(authority.folder.join("server.pem"))
        .expect("it was made")
        .collect::<Result<Vec<_>, _>>()
        .expect("it is PEM");
    let key = PrivateKeyDer::from_pem_file(authority.folder.join("server.key")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the versions of the provider")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("the key belongs to it");
    serve(Some(Arc::new(config)), Arc::new(handler))
}

fn serve(tls: Option<Arc<ServerConfig>>, handler: Arc<Handler>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (tls, handler) = (tls.clone(), Arc::clone(&handler));
            // What goes wrong here is seen at the other end.
            thread::spawn(move || drop(converse(stream, tls, &*handler)));
        }
    });
    address
}

fn converse(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    handler: &Handler,
) -> io::Result<()> {
    match tls {
        None => one(stream, handler),
        Some(config) => {
            let session = ServerConnection::new(config).map_err(io::Error::other)?;
            one(StreamOwned::new(session, stream), handler)
        }
    }
}

/// One request with its answer.
fn one(stream: impl Read + Write, handler: &Handler) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut words = lines.first().map_or("", String::as_str).split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (method, path) = (word(), word());
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let asked = Asked { method, path, headers };
    let length = asked.header("content-length").and_then(|length| length.parse().ok());
    io::copy(&mut reader.by_ref().take(length.unwrap_or(0)), &mut io::sink())?;
    let (answer, body) = match handler(&asked) {
        ServerReply::Silence => return reader.read_to_end(&mut Vec::new()).map(drop),
        ServerReply::Raw(bytes) => (String::new(), bytes),
        ServerReply::Answer { status, headers, body } => {
            let headers: String =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
            );
            (head, if asked.method == "HEAD" { Vec::new() } else { body })
        }
    };
    let stream = reader.get_mut();
    stream.write_all(answer.as_bytes())?;
    stream.write_all(&body)?;
    stream.flush()
}

/// Somebody who signs certificates.
pub struct Authority {
    folder: PathBuf,
}

impl Authority {
    /// A new one, with a certificate for this machine; its files are in `folder`.
    pub fn new(folder: &Path) -> Self {
        let openssl = |arguments: &str| {
            let output = Command::new("openssl")
                .args(arguments.split(' '))
                .current_dir(folder)
                .stdin(Stdio::null())
                .output()
                .expect("openssl is installed (apt-get install openssl)");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
        openssl(&format!(
            "req -x509 {key} -subj /CN=authority -keyout ca.key -out ca.pem -addext basicConstraints=critical,CA:TRUE"
        ));
        openssl(&format!("req {key} -subj /CN=localhost -keyout server.key -out server.csr"));
        fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
            .expect("it is writable");
        openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -set_serial 1 -days 2 -extfile names -out server.pem",
        );
        Self { folder: folder.to_owned() }
    }

    /// The certificate of the authority.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }
}
