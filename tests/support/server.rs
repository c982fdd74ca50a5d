//! A server on the loopback that does to its clients what a script says: answers, keeps silent, drips, breaks off.
//!
//! One thread for each connection, from `std`, in the clear or by TLS. It notes all that it sees. It stops when it is dropped.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use socket2::{Domain, SockRef, Socket, Type};

/// What is done to one request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// It is answered.
    Answer(Answer),
    /// It is answered: so many bytes at once, then one at a time, so far apart.
    Drip(Answer, usize, Duration),
    /// It is answered with that status, and a body that does not end.
    Endless(u16),
    /// It is read, and nothing is said.
    Silence,
    /// The connection is reset when so many bytes of it have come.
    ResetRequest(usize),
    /// The connection is reset when so many bytes of the answer, 200, were sent.
    ResetAnswer(usize),
    /// Nothing more is sent behind so many bytes of the answer, 200, but read.
    HalfClose(usize),
    /// These bytes are sent, whatever they are.
    Raw(Vec<u8>),
    /// The same, before the request is read: to one that does not speak HTTP.
    Blurt(Vec<u8>),
    /// A proxy's way: the connection becomes one to that address.
    Tunnel(SocketAddr),
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    gate: Option<Gate>,
}

/// Answers that wait for it are sent once it is open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<AtomicBool>);

/// A request that has come in whole.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    /// As it was sent.
    pub(crate) body: Vec<u8>,
}

/// What was posted.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) header: Value,
    /// Header and payload of each item.
    pub(crate) items: Vec<(Value, Vec<u8>)>,
}

pub(crate) struct Server {
    address: SocketAddr,
    inner: Arc<Inner>,
    accepting: Option<JoinHandle<()>>,
}

/// An address at which nobody listens, and that nobody else gets.
pub(crate) struct Absent(Socket);

struct Inner {
    acts: Mutex<VecDeque<Act>>,
    tls: Option<Arc<ServerConfig>>,
    seen: Mutex<Seen>,
    open: Mutex<Vec<Weak<TcpStream>>>,
    stop: AtomicBool,
    in_flight: AtomicUsize,
}

#[derive(Default)]
struct Seen {
    requests: Vec<Request>,
    /// Requests that began, whether they came in whole or not.
    begun: usize,
    most_in_flight: usize,
    /// What came in, by connection, before it was decrypted.
    received: Vec<Vec<u8>>,
    /// Bytes that went out.
    sent: usize,
}

impl Act {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(Answer::new(status))
    }
}

impl From<Answer> for Act {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, body: b"{}".to_vec(), ..Self::default() }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Said\r\ncontent-length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

impl Gate {
    pub(crate) fn open(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let named = self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// The body as the client had it before it compressed it.
    pub(crate) fn unpacked(&self) -> Vec<u8> {
        if self.header("content-encoding") != Some("gzip") {
            return self.body.clone();
        }
        let mut unpacked = Vec::new();
        GzDecoder::new(&self.body[..]).read_to_end(&mut unpacked).expect("the body is gzip");
        unpacked
    }

    /// Reads the body strictly: JSON lines, and payloads of the length that is said.
    pub(crate) fn envelope(&self) -> Envelope {
        let body = self.unpacked();
        let (header, mut rest) = line(&body);
        let header = serde_json::from_slice(header).expect("an envelope begins with JSON");
        let mut items = Vec::new();
        while !rest.is_empty() {
            let (item, after) = line(rest);
            let item: Value = serde_json::from_slice(item).expect("an item begins with JSON");
            let length = item["length"].as_u64().expect("an item says its length") as usize;
            let (payload, after) = after.split_at(length);
            items.push((item, payload.to_vec()));
            rest = after.strip_prefix(b"\n").expect("a line ends behind the payload");
        }
        Envelope { header, items }
    }
}

impl Envelope {
    /// The payloads of one kind.
    pub(crate) fn payloads(&self, kind: &str) -> Vec<Value> {
        let payloads = self.items.iter().filter(|(item, _)| item["type"] == kind);
        payloads.map(|(_, payload)| serde_json::from_slice(payload).expect("a payload is JSON")).collect()
    }
}

impl Server {
    /// One that does to each request the next of these, and to all that come then the last.
    pub(crate) fn new(acts: impl IntoIterator<Item = Act>) -> Self {
        Absent::new().arrive(acts)
    }

    /// One that answers everything with that status.
    pub(crate) fn answering(status: u16) -> Self {
        Self::new([Act::status(status)])
    }

    /// The same by TLS.
    pub(crate) fn tls(config: Arc<ServerConfig>, acts: impl IntoIterator<Item = Act>) -> Self {
        Absent::new().start(acts, Some(config))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A DSN by which its events come here, in the clear.
    pub(crate) fn dsn(&self) -> String {
        dsn_of(self.address)
    }

    /// From now on it does this.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        *lock(&self.inner.acts) = acts.into_iter().collect();
    }

    /// It goes away; its address stays.
    pub(crate) fn leave(self) -> Absent {
        let address = self.address;
        drop(self);
        Absent::at(address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.inner.seen).requests.clone()
    }

    /// Requests that began, whether they came in whole or not.
    pub(crate) fn begun(&self) -> usize {
        lock(&self.inner.seen).begun
    }

    pub(crate) fn connections(&self) -> usize {
        lock(&self.inner.seen).received.len()
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        lock(&self.inner.seen).most_in_flight
    }

    /// All bytes that came in, as they came.
    pub(crate) fn received(&self) -> Vec<u8> {
        lock(&self.inner.seen).received.concat()
    }

    /// Bytes that went out.
    pub(crate) fn sent(&self) -> usize {
        lock(&self.inner.seen).sent
    }

    /// The payloads of one kind, in the order in which they came, repetitions included.
    pub(crate) fn payloads(&self, kind: &str) -> Vec<Value> {
        self.requests().iter().flat_map(|request| request.envelope().payloads(kind)).collect()
    }

    /// The ids of the events, in the order in which they came, repetitions included.
    pub(crate) fn event_ids(&self) -> Vec<String> {
        self.payloads("event").iter().map(|event| plain(&event["event_id"])).collect()
    }

    /// What the client reports that came say together.
    pub(crate) fn reported(&self) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::new();
        for report in self.payloads("client_report") {
            for item in report["discarded_events"].as_array().expect("a report lists what was discarded") {
                assert_eq!(item["category"], "error");
                *sums.entry(plain(&item["reason"])).or_default() +=
                    item["quantity"].as_u64().expect("a quantity");
            }
        }
        sums
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.inner.stop.store(true, Ordering::SeqCst);
        // Whoever accepts is woken.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        for open in lock(&self.inner.open).iter().filter_map(Weak::upgrade) {
            let _ = open.shutdown(Shutdown::Both);
        }
    }
}

impl Absent {
    pub(crate) fn new() -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into())
    }

    fn at(address: SocketAddr) -> Self {
        let socket =
            Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket can be had");
        socket.set_reuse_address(true).expect("an address can be used again");
        socket.bind(&address.into()).expect("the address is free");
        Self(socket)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("it is bound").as_socket().expect("to an internet address")
    }

    pub(crate) fn dsn(&self) -> String {
        dsn_of(self.address())
    }

    /// From now on somebody listens there.
    pub(crate) fn arrive(self, acts: impl IntoIterator<Item = Act>) -> Server {
        self.start(acts, None)
    }

    fn start(self, acts: impl IntoIterator<Item = Act>, tls: Option<Arc<ServerConfig>>) -> Server {
        let address = self.address();
        self.0.listen(128).expect("it can be listened to");
        let listener = TcpListener::from(self.0);
        let inner = Arc::new(Inner {
            acts: Mutex::new(acts.into_iter().collect()),
            tls,
            seen: Mutex::default(),
            open: Mutex::default(),
            stop: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
        });
        let accepting = thread::spawn({
            let inner = Arc::clone(&inner);
            move || accept(&listener, &inner)
        });
        Server { address, inner, accepting: Some(accepting) }
    }
}

fn dsn_of(address: SocketAddr) -> String {
    format!("http://{KEY}@{address}/42")
}

/// The key of every DSN here.
pub(crate) const KEY: &str = "c0ffee5ecre7c0ffee5ecre7c0ffee00";

fn accept(listener: &TcpListener, inner: &Arc<Inner>) {
    for stream in listener.incoming() {
        if inner.stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let stream = Arc::new(stream);
        let mut seen = lock(&inner.seen);
        seen.received.push(Vec::new());
        let number = seen.received.len() - 1;
        drop(seen);
        lock(&inner.open).push(Arc::downgrade(&stream));
        let inner = Arc::clone(inner);
        thread::spawn(move || {
            let tapped = Tapped { stream: Arc::clone(&stream), inner: Arc::clone(&inner), number };
            // A client that breaks off is a client's right.
            let _ = match inner.tls.clone() {
                None => Connection { inner, stream, peer: tapped, ahead: Vec::new() }.serve(),
                Some(config) => ServerConnection::new(config).map_err(io::Error::other).and_then(|tls| {
                    let peer = StreamOwned::new(tls, tapped);
                    Connection { inner, stream, peer, ahead: Vec::new() }.serve()
                }),
            };
        });
    }
}

/// A socket of which all bytes are noted.
struct Tapped {
    stream: Arc<TcpStream>,
    inner: Arc<Inner>,
    number: usize,
}

impl Read for Tapped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&*self.stream).read(buffer)?;
        lock(&self.inner.seen).received[self.number].extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

impl Write for Tapped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&*self.stream).write(bytes)?;
        lock(&self.inner.seen).sent += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.stream).flush()
    }
}

struct Connection<S> {
    inner: Arc<Inner>,
    stream: Arc<TcpStream>,
    peer: S,
    /// What was read beyond the last request.
    ahead: Vec<u8>,
}

impl<S: Read + Write> Connection<S> {
    /// Request by request, until somebody has enough.
    fn serve(mut self) -> io::Result<()> {
        loop {
            self.read_until(|bytes| !bytes.is_empty())?;
            let act = self.inner.next_act();
            let _in_flight = InFlight::new(&self.inner);
            if let Act::ResetRequest(bytes) = act {
                self.read_until(|read| read.len() >= bytes)?;
                return self.reset();
            }
            if let Act::Blurt(bytes) = act {
                return self.send(&bytes);
            }
            let request = self.read_request()?;
            lock(&self.inner.seen).requests.push(request);
            let well = Answer::new(200).bytes();
            match act {
                Act::Answer(answer) => {
                    while answer.gate.as_ref().is_some_and(|gate| !gate.0.load(Ordering::SeqCst)) {
                        self.pause(Duration::from_millis(1))?;
                    }
                    self.send(&answer.bytes())?;
                }
                Act::Drip(answer, at_once, apart) => {
                    let bytes = answer.bytes();
                    let (first, rest) = bytes.split_at(at_once);
                    self.send(first)?;
                    for byte in rest {
                        self.pause(apart)?;
                        self.send(&[*byte])?;
                    }
                }
                Act::Endless(status) => {
                    self.send(
                        format!("HTTP/1.1 {status} On\r\ntransfer-encoding: chunked\r\n\r\n").as_bytes(),
                    )?;
                    let part = [b"10000\r\n", vec![b'x'; 0x1_0000].as_slice(), b"\r\n"].concat();
                    loop {
                        self.send(&part)?;
                    }
                }
                Act::Silence => loop {
                    self.read_more()?;
                },
                Act::ResetRequest(_) | Act::Blurt(_) => unreachable!("it was done above"),
                Act::ResetAnswer(bytes) => {
                    self.send(&well[..bytes])?;
                    return self.reset();
                }
                Act::HalfClose(bytes) => {
                    self.send(&well[..bytes])?;
                    self.stream.shutdown(Shutdown::Write)?;
                    loop {
                        self.read_more()?;
                    }
                }
                Act::Raw(bytes) => {
                    self.send(&bytes)?;
                    return Ok(());
                }
                Act::Tunnel(to) => return self.tunnel(to),
            }
        }
    }

    fn read_request(&mut self) -> io::Result<Request> {
        let end = |bytes: &[u8]| bytes.windows(4).position(|four| four == b"\r\n\r\n");
        self.read_until(|bytes| end(bytes).is_some())?;
        let head_end = end(&self.ahead).expect("it was seen") + 4;
        let head: Vec<u8> = self.ahead.drain(..head_end).collect();
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers: Vec<_> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut request = Request { method, path, headers, body: Vec::new() };
        let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        self.read_until(|bytes| bytes.len() >= length)?;
        request.body = self.ahead.drain(..length).collect();
        Ok(request)
    }

    fn read_until(&mut self, enough: impl Fn(&[u8]) -> bool) -> io::Result<()> {
        while !enough(&self.ahead) {
            self.read_more()?;
        }
        Ok(())
    }

    /// Ends with the connection, and with the server.
    fn read_more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.peer.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.ahead.extend_from_slice(&buffer[..read]);
                Ok(())
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.peer.write_all(bytes)?;
        self.peer.flush()
    }

    /// Waits, but not beyond the server's end.
    fn pause(&self, pause: Duration) -> io::Result<()> {
        let begun = Instant::now();
        while let Some(left) = pause.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
            if self.inner.stop.load(Ordering::SeqCst) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            thread::sleep(left.min(Duration::from_millis(5)));
        }
        Ok(())
    }

    /// Closed so that what is on its way is thrown away.
    fn reset(self) -> io::Result<()> {
        SockRef::from(&*self.stream).set_linger(Some(Duration::ZERO))
    }

    fn tunnel(mut self, to: SocketAddr) -> io::Result<()> {
        let far = TcpStream::connect(to)?;
        self.send(b"HTTP/1.1 200 Connected\r\n\r\n")?;
        lock(&self.inner.open).push(Arc::downgrade(&self.stream));
        let (mut far_reads, near) = (far.try_clone()?, Arc::clone(&self.stream));
        thread::spawn(move || {
            let _ = io::copy(&mut far_reads, &mut &*near);
            let _ = near.shutdown(Shutdown::Both);
        });
        let mut far = far;
        far.write_all(&self.ahead)?;
        let copied = io::copy(&mut self.peer, &mut far);
        far.shutdown(Shutdown::Both)?;
        copied.map(drop)
    }
}

impl Inner {
    fn next_act(&self) -> Act {
        lock(&self.seen).begun += 1;
        let mut acts = lock(&self.acts);
        let act = if acts.len() > 1 { acts.pop_front() } else { acts.front().cloned() };
        act.expect("a script says what to do")
    }
}

/// A request that is being dealt with.
struct InFlight(Arc<Inner>);

impl InFlight {
    fn new(inner: &Arc<Inner>) -> Self {
        let now = inner.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        let mut seen = lock(&inner.seen);
        seen.most_in_flight = seen.most_in_flight.max(now);
        Self(Arc::clone(inner))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').expect("a line ends");
    (&bytes[..end], &bytes[end + 1..])
}

/// An id without its hyphens, or any other text.
fn plain(value: &Value) -> String {
    value.as_str().expect("a text").replace('-', "")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// Each test binary uses some of these, in each of its builds; none is dead.
const _: fn(Arc<ServerConfig>, [Act; 0]) -> Server = Server::tls;
const _: fn(SocketAddr) -> Act = Act::Tunnel;
const _: fn(Vec<u8>) -> Act = Act::Blurt;
