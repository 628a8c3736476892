//! An S3-compatible server: moto from PyPI, in an environment of its own under the target folder.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::processes::wait_until;
use crate::python::Environment;

/// The package on PyPI.
const MOTO: &str = "moto[server]==5.2.5\n";

/// The server, stopped when it is dropped; its buckets live in its memory.
#[derive(Debug)]
pub struct S3Server {
    child: Child,
    port: u16,
    _environment: Environment,
}

impl S3Server {
    /// Installs the server where that was not done before, and starts it on a free port.
    ///
    /// # Errors
    /// Where it cannot be installed or does not come up.
    pub fn start() -> Result<Self> {
        let environment = Environment::of("moto", MOTO, &[])?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(environment.program("moto_server"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start moto_server")?;
        let server = Self { child, port, _environment: environment };
        wait_until("the S3 server answers", || Ok(server.request("GET", "/", b"").is_ok()))?;
        Ok(server)
    }

    /// The variables by which a program finds this server.
    pub fn environment(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        let variables = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// Sends an HTTP request; moto wants a signature but checks none. Gives the body of a successful answer.
    ///
    /// # Errors
    /// Where the server refuses or is not there.
    pub fn request(&self, method: &str, path: &str, body: &[u8]) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {length}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, \
             SignedHeaders=host, Signature=0\r\n\r\n"
        )?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer without a body")?;
        let status = head.split(' ').nth(1).unwrap_or_default();
        ensure!(status.starts_with('2'), "{method} {path}: {head}\n{body}");
        Ok(body.to_owned())
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // Both fail only where the process has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
