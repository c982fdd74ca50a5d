//! HTTP: the only place that knows `reqwest`.
//!
//! A [`Client`] posts and returns what was answered; it follows no redirect, keeps no cookie, reads no more of an answer
//! than [`limits::ANSWER_BYTES`](crate::limits::ANSWER_BYTES), and gives up after
//! [`limits::SEND_TOTAL`](crate::limits::SEND_TOTAL), the look-up of the name included. [`run`] gives such work a thread and a
//! runtime of its own: nothing here may be called on the host's threads but [`Trust::check`]. It installs no process-wide
//! default of any kind. Errors never show an address or a header.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect;
use tokio::sync::{Semaphore, oneshot};

use crate::diag::Said;
use crate::limits::{ANSWER_BYTES, SEND_CONNECT, SEND_TOTAL};
use crate::sync::enter;

/// How to reach a server and whom to trust, as the program said.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    #[cfg(feature = "_tls")]
    pub(crate) trust: Trust,
    /// Finds the addresses of a name, where that is not left to the system.
    pub(crate) look_up: Option<LookUp>,
}

/// Finds the addresses of a name; may block.
pub(crate) type LookUp = Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// Which servers are who they say they are, and who we are.
#[cfg(feature = "_tls")]
#[derive(Clone, Default)]
pub(crate) struct Trust {
    /// PEM: authorities beside the system's.
    pub(crate) authorities: Option<Vec<u8>>,
    /// PEM: our own certificate and its key.
    pub(crate) identity: Option<Vec<u8>>,
    /// Whatever certificate a server has is taken.
    pub(crate) anyone: bool,
}

#[cfg(feature = "_tls")]
impl Trust {
    /// Whether the certificates can be read; says what is wrong where they cannot.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        self.authorities()?;
        self.identity().map(drop)
    }

    fn authorities(&self) -> Result<Vec<reqwest::Certificate>, &'static str> {
        let Some(pem) = &self.authorities else { return Ok(Vec::new()) };
        let read = reqwest::Certificate::from_pem_bundle(pem);
        let read = read.map_err(|_| "the authorities' certificates are no PEM that can be read")?;
        if read.is_empty() { Err("there is no certificate among the authorities' PEM") } else { Ok(read) }
    }

    fn identity(&self) -> Result<Option<reqwest::Identity>, &'static str> {
        let Some(pem) = &self.identity else { return Ok(None) };
        let unreadable = "the client's certificate and its key are no PEM that can be read";
        #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
        let read = reqwest::Identity::from_pem(pem);
        #[cfg(not(any(feature = "rustls", feature = "rustls-no-provider")))]
        let read = reqwest::Identity::from_pkcs8_pem(pem, pem);
        read.map(Some).map_err(|_| unreadable)
    }
}

/// Posts to one server after the other, several requests at once. Without a `Debug`, which would show a proxy's password.
#[derive(Clone)]
pub(crate) struct Client(reqwest::Client);

/// What is posted. Without a `Debug`, which would show what is secret.
pub(crate) struct Post<'a> {
    pub(crate) url: &'a str,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    /// A header whose value is never to be shown.
    pub(crate) secret: (&'static str, &'a str),
    pub(crate) body: Vec<u8>,
}

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HeaderMap,
}

impl Answer {
    /// A header's value, those of several lines in one; None where there is none.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let lines: Vec<&str> = lines.collect();
        (!lines.is_empty()).then(|| lines.join(","))
    }
}

/// The network failed: there was no answer, or not all of it.
#[derive(Debug)]
pub(crate) struct Failure {
    words: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Client {
    /// A client for that address; its words where it cannot be had: no way to encrypt, certificates that cannot be used.
    pub(crate) fn new(settings: &Settings, url: &str) -> Result<Self, String> {
        let bad = bad_proxy(url);
        if let Some(name) = bad {
            BAD_PROXY.say(&format!(
                "{name} is left out: it is no address of a proxy; events are sent without one"
            ));
        }
        let basic = || if bad.is_none() { basic(settings) } else { basic(settings).no_proxy() };
        let mut built = encrypted(basic(), settings)?.build();
        if built.is_err() && url.starts_with("http://") {
            // What goes in the clear needs nobody to trust: the system may know no authority at all.
            built = trusting_ours_only(encrypted(basic(), settings)?).build();
        }
        built.map(Self).map_err(|error| words(&error))
    }

    /// Posts, and reads the answer.
    pub(crate) async fn post(&self, post: Post<'_>) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        for (name, value) in post.headers {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let (name, value) = post.secret;
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        let sent = self.0.post(post.url).headers(headers).body(post.body).send();
        let mut response = sent.await.map_err(failure)?;
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        // What it says beyond is of no use, but a connection is used again only when its answer was read.
        let mut read = 0;
        while read < ANSWER_BYTES
            && let Some(part) = response.chunk().await.map_err(failure)?
        {
            read += part.len();
        }
        Ok(Answer { status, headers })
    }
}

/// Runs `work` on a thread and a runtime of its own.
///
/// What is logged there is not ours to record: it would feed itself. The thread ends with the work, whatever a look-up that
/// hangs still does.
///
/// # Errors
/// Where no thread can be had. Where no runtime can, `work` is dropped.
pub(crate) fn run<F: Future<Output = ()>>(
    name: &str,
    work: impl FnOnce() -> F + Send + 'static,
) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.to_owned());
    let spawned = thread.spawn(move || {
        enter(|_| {
            // Not all that a runtime may have: signals are the host's.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(work());
                runtime.shutdown_background();
            }
        });
    });
    spawned.map(drop)
}

/// Looks names up, one after the other, each on a thread that lives as long as that takes: a look-up may block, and cannot
/// be cancelled. One that is given up leaves its turn to the next, while so many are at it at the most.
struct Names {
    look_up: LookUp,
    turn: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

impl Names {
    fn new(look_up: LookUp) -> Self {
        Self { look_up, turn: Arc::new(Semaphore::new(1)), room: Arc::new(Semaphore::new(LOOK_UPS)) }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let (look_up, turn) = (Arc::clone(&self.look_up), Arc::clone(&self.turn));
        let room = Arc::clone(&self.room);
        Box::pin(async move {
            let _turn = turn.acquire().await?;
            let place = room.try_acquire_owned().map_err(|_| "earlier look-ups of the name still hang")?;
            let (told, heard) = oneshot::channel();
            let asking = thread::Builder::new().name("crumbtrail-names".to_owned());
            asking.spawn(move || {
                let found = enter(|_| look_up(name.as_str()));
                drop(place);
                // Whoever asked may have given it up.
                let _ = told.send(found);
            })?;
            let found = heard.await?.ok_or("the thread is inside crumbtrail already")??;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The addresses of a name, by the system; any port will do.
pub(crate) fn system_look_up(name: &str) -> io::Result<Vec<SocketAddr>> {
    (name, 0).to_socket_addrs().map(Iterator::collect)
}

/// The variable that should name the proxy for an address, and does not. As `reqwest` goes by them: upper case first, that
/// of the scheme before `ALL_PROXY`.
fn bad_proxy(url: &str) -> Option<&'static str> {
    const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    let is_proxy = |text: &str| {
        // Both have their say in `reqwest`.
        if !text.parse::<http::Uri>().is_ok_and(|uri| uri.authority().is_some()) {
            return false;
        }
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = reqwest::Url::parse(&text).ok();
        url.is_some_and(|url| SCHEMES.contains(&url.scheme()) && url.has_host())
    };
    let open = url.starts_with("http://");
    let of_scheme = if open { ["HTTP_PROXY", "http_proxy"] } else { ["HTTPS_PROXY", "https_proxy"] };
    let set = |names: [&'static str; 2]| {
        let mut set = names.into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
        set.next().filter(|(_, text)| !text.is_empty())
    };
    let (name, text) = set(of_scheme).or_else(|| set(["ALL_PROXY", "all_proxy"]))?;
    (!is_proxy(&text)).then_some(name)
}

static BAD_PROXY: Said = Said::new();

/// What every client has, however it encrypts.
fn basic(settings: &Settings) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(SEND_CONNECT)
        .timeout(SEND_TOTAL)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
        .http1_only()
        .dns_resolver(Names::new(settings.look_up.clone().unwrap_or_else(|| Arc::new(system_look_up))))
}

/// Chooses who encrypts: rustls, with the provider of the process or the one that we bring; else the system.
#[cfg(feature = "_tls")]
fn encrypted(builder: reqwest::ClientBuilder, settings: &Settings) -> Result<reqwest::ClientBuilder, String> {
    let builder = backed(builder).ok_or(NO_PROVIDER)?;
    let trust = &settings.trust;
    let builder = builder.tls_certs_merge(trust.authorities()?).tls_danger_accept_invalid_certs(trust.anyone);
    Ok(match trust.identity()? {
        Some(identity) => builder.identity(identity),
        None => builder,
    })
}

#[cfg(not(feature = "_tls"))]
fn encrypted(builder: reqwest::ClientBuilder, _: &Settings) -> Result<reqwest::ClientBuilder, String> {
    Ok(builder)
}

/// Trusts the settings' authorities, and none of the system's.
#[cfg(feature = "_tls")]
fn trusting_ours_only(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder.tls_certs_only([])
}

#[cfg(not(feature = "_tls"))]
fn trusting_ours_only(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder
}

#[cfg(feature = "_tls")]
fn backed(builder: reqwest::ClientBuilder) -> Option<reqwest::ClientBuilder> {
    #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
    if has_provider() {
        return Some(builder.tls_backend_rustls());
    }
    #[cfg(feature = "native-tls")]
    return Some(builder.tls_backend_native());
    #[cfg(not(feature = "native-tls"))]
    None
}

/// Whether rustls has what it computes with: that of the process, or ours. Without either, `reqwest` would panic.
#[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
fn has_provider() -> bool {
    #[cfg(feature = "rustls")]
    return true;
    #[cfg(not(feature = "rustls"))]
    return rustls::crypto::CryptoProvider::get_default().is_some();
}

#[cfg(feature = "_tls")]
const NO_PROVIDER: &str = "the process has installed no provider of cryptography: install one with \
    rustls::crypto::CryptoProvider::install_default before the first event, or turn on the feature `rustls`";

fn failure(error: reqwest::Error) -> Failure {
    Failure { words: words(&error.without_url()) }
}

/// What an error and its causes say, without the repetitions and without an address.
fn words(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next.filter(|_| said.len() < CAUSES) {
        let text = error.to_string();
        if said.last().is_none_or(|last| *last != text) {
            said.push(text);
        }
        next = error.source();
    }
    said.join(": ")
}

const CAUSES: usize = 8;
/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(15);
/// Name look-ups at the same time: the one whose turn it is, and one that hangs.
const LOOK_UPS: usize = 2;
