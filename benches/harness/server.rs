//! A scripted HTTP server on the loopback interface, and a note of all that it was sent.
//!
//! One thread for each connection, which stays open for as long as the client likes. The script is asked once for each
//! request that was read to its end.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a request is answered with.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// A status, with header lines of which each ends with `\r\n`, and an empty JSON object.
    Status(u16, String),
    /// The same as status 200, after a while.
    Late(Duration),
    /// Nothing, and the connection stays open.
    Never,
    /// Nothing, and the connection is closed.
    Close,
    /// One byte of the answer in each such time.
    Drip(Duration),
    /// A body without end, as fast as it is read.
    Endless,
}

/// What came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// First line and headers.
    pub(crate) head: String,
    /// As it came: compressed where the client did so.
    pub(crate) body: Vec<u8>,
    /// Bytes of both, with the marks of chunks.
    pub(crate) wire_bytes: usize,
    /// When its last byte was read.
    pub(crate) at: Instant,
    /// The status that it was answered with, if any.
    pub(crate) status: Option<u16>,
}

/// The server; it listens until the process ends.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

type Script = Arc<Mutex<dyn FnMut(&Request) -> Reply + Send>>;

impl Server {
    /// Starts one on that host of the loopback interface, at a port of the system's choice.
    pub(crate) fn start(
        host: Ipv4Addr,
        script: impl FnMut(&Request) -> Reply + Send + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((host, 0))?;
        let server = Self { address: listener.local_addr()?, requests: Arc::default() };
        let (script, requests): (Script, _) = (Arc::new(Mutex::new(script)), server.requests.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, requests) = (script.clone(), requests.clone());
                // An error is the client's end of the connection.
                thread::spawn(move || _ = serve(&stream, &script, &requests));
            }
        });
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that came so far, in the order in which it was read.
    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.requests).clone()
    }
}

/// An address on which nobody listens: every connection is refused.
pub(crate) fn closed() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn serve(mut stream: &TcpStream, script: &Script, requests: &Mutex<Vec<Request>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(mut request) = read(&mut reader)? {
        let reply = (lock(script))(&request);
        request.status = reply.status();
        lock(requests).push(request);
        let answer = |status, headers: &str| {
            format!("HTTP/1.1 {status} As Told\r\nContent-Length: 2\r\n{headers}\r\n{{}}").into_bytes()
        };
        match reply {
            Reply::Status(status, headers) => stream.write_all(&answer(status, &headers))?,
            Reply::Late(after) => {
                thread::sleep(after);
                stream.write_all(&answer(200, ""))?;
            }
            // Returns when the client gives up.
            Reply::Never => return io::copy(&mut reader, &mut io::sink()).map(|_| ()),
            Reply::Close => return Ok(()),
            Reply::Drip(pace) => {
                for byte in answer(200, "") {
                    stream.write_all(&[byte])?;
                    thread::sleep(pace);
                }
            }
            Reply::Endless => {
                stream.write_all(b"HTTP/1.1 200 As Told\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                let mut chunk = b"10000\r\n".to_vec();
                chunk.resize(chunk.len() + 0x10000, b'x');
                chunk.extend(b"\r\n");
                loop {
                    stream.write_all(&chunk)?;
                }
            }
        }
    }
    Ok(())
}

impl Reply {
    /// 200, and no more.
    pub(crate) fn ok() -> Self {
        Self::Status(200, String::new())
    }

    fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status, _) => Some(*status),
            Self::Late(_) | Self::Endless => Some(200),
            Self::Never | Self::Close | Self::Drip(_) => None,
        }
    }
}

/// The next request; none where the client has closed the connection.
fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    let header = |name: &str| {
        let line = head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value)
        });
        line.map(str::trim)
    };
    let mut body = Vec::new();
    let mut wire_bytes = head.len();
    if header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        loop {
            let mut line = String::new();
            wire_bytes += reader.read_line(&mut line)?;
            let length = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            wire_bytes += reader.by_ref().take(length).read_to_end(&mut body)?;
            line.clear();
            wire_bytes += reader.read_line(&mut line)?;
            if length == 0 {
                break;
            }
        }
    } else if let Some(length) = header("content-length") {
        let length = length.parse().map_err(io::Error::other)?;
        wire_bytes += reader.by_ref().take(length).read_to_end(&mut body)?;
        if (body.len() as u64) < length {
            return Ok(None);
        }
    }
    Ok(Some(Request { head, body, wire_bytes, at: Instant::now(), status: None }))
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// Each bench uses some of these; none is dead.
const _: [Reply; 6] = [
    Reply::Status(200, String::new()),
    Reply::Late(Duration::ZERO),
    Reply::Never,
    Reply::Close,
    Reply::Drip(Duration::ZERO),
    Reply::Endless,
];
const _: fn(&Request) -> (&str, &[u8], usize) = |request| (&request.head, &request.body, request.wire_bytes);
const _: fn(&Request) -> (Instant, Option<u16>) = |request| (request.at, request.status);
const _: fn() -> Reply = Reply::ok;
const _: fn(&Server) -> Vec<Request> = Server::requests;
const _: fn() -> io::Result<SocketAddr> = closed;
