//! A real Chromium without a window, steered over a pipe by the Chrome DevTools Protocol.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::processes::{PATIENCE, wait_until};
use crate::tools::need;

/// Chromium takes commands on descriptor 3 and answers on 4: the shell puts its standard ones there.
const PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

/// Switches that every test wants: no window, no helper that phones home, no sandbox, which root cannot have.
const SWITCHES: &[&str] = &[
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // The coordinator's certificates are of an authority of its own; people are told to pin it.
    "--ignore-certificate-errors",
];

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: String,
    last_id: u64,
    /// What pages complained of so far.
    complaints: Vec<String>,
    profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one; installs Chromium where it is missing.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start() -> Result<Self> {
        need("chromium", "chromium")?;
        let profile = tempfile::tempdir()?;
        let log = File::create(profile.path().join("log"))?;
        let mut child = Command::new("sh")
            .args(["-c", PIPES, "chromium"])
            .args(SWITCHES)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let commands = child.stdin.take().context("a pipe to Chromium")?;
        let answers = BufReader::new(child.stdout.take().context("a pipe from Chromium")?);
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let texts = answers.split(0).map_while(Result::ok);
            for message in texts.filter_map(|text| serde_json::from_slice(&text).ok()) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let session = String::new();
        let mut browser =
            Self { child, commands, messages, session, last_id: 0, complaints: Vec::new(), profile };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", &attach)?;
        attached["sessionId"].as_str().context("a session of the page")?.clone_into(&mut browser.session);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}))?;
        }
        Ok(browser)
    }

    /// Opens a page, and waits until it is loaded with its scripts.
    ///
    /// # Errors
    /// Where there is no such page.
    pub fn open(&mut self, url: &str) -> Result<()> {
        // The mark goes with the old page.
        self.evaluate("window.isOld = true")?;
        let opened = self.call("Page.navigate", &json!({ "url": url }))?;
        ensure!(opened["errorText"].is_null(), "{url}: {}", opened["errorText"]);
        self.until(&format!("document.readyState === 'complete' && !window.isOld /* {url} */"))
    }

    /// What an expression is on the page; promises are waited for.
    ///
    /// # Errors
    /// Where it throws.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let asked = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", &asked)?;
        ensure!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        Ok(answer["result"]["value"].clone())
    }

    /// The text of what a selector finds first; empty where it finds nothing.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub fn text(&mut self, selector: &str) -> Result<String> {
        let found =
            self.evaluate(&format!("document.querySelector({})?.innerText ?? ''", json!(selector)))?;
        Ok(found.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until an expression is true, whatever pages come meanwhile.
    ///
    /// # Errors
    /// Where it does not become true; with what stands on the page.
    pub fn until(&mut self, expression: &str) -> Result<()> {
        // Between two pages there is nothing in which it could be evaluated.
        let outcome =
            wait_until(expression, || Ok(self.evaluate(expression).is_ok_and(|value| value == true)));
        outcome.with_context(|| self.text("body").unwrap_or_default())
    }

    /// Clicks on what a selector finds first.
    ///
    /// # Errors
    /// Where it finds nothing.
    pub fn click(&mut self, selector: &str) -> Result<()> {
        self.until(&format!("document.querySelector({}) !== null", json!(selector)))?;
        self.evaluate(&format!("document.querySelector({}).click()", json!(selector)))?;
        Ok(())
    }

    /// Types into the field that a selector finds first.
    ///
    /// # Errors
    /// Where it finds none.
    pub fn fill(&mut self, selector: &str, text: &str) -> Result<()> {
        self.evaluate(&format!("document.querySelector({}).focus()", json!(selector)))?;
        self.call("Input.insertText", &json!({ "text": text }))?;
        Ok(())
    }

    /// As on a screen of that size, in pixels.
    ///
    /// # Errors
    /// Where the browser cannot.
    pub fn resize(&mut self, width: u32, height: u32) -> Result<()> {
        let screen =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", &screen)?;
        Ok(())
    }

    /// As for somebody who likes it dark, or light.
    ///
    /// # Errors
    /// Where the browser cannot.
    pub fn prefer(&mut self, scheme: &str) -> Result<()> {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &features)?;
        Ok(())
    }

    /// Writes a picture of the page, for people's eyes, where `SWEEP_SCREENSHOTS` names a folder.
    ///
    /// # Errors
    /// Where it cannot be taken or written.
    pub fn picture(&mut self, name: &str) -> Result<()> {
        let Some(folder) = std::env::var_os("SWEEP_SCREENSHOTS") else { return Ok(()) };
        let shot = self.call("Page.captureScreenshot", &json!({ "captureBeyondViewport": true }))?;
        let base64 = shot["data"].as_str().context("a picture")?;
        std::fs::create_dir_all(&folder)?;
        let bytes = data_encoding::BASE64.decode(base64.as_bytes())?;
        Ok(std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes)?)
    }

    /// What pages threw, logged as errors or broke of their own policy since the last call.
    ///
    /// # Errors
    /// Where the browser does not answer.
    pub fn complaints(&mut self) -> Result<Vec<String>> {
        // Whatever has been said before this answer has come.
        self.evaluate("1")?;
        Ok(std::mem::take(&mut self.complaints))
    }

    /// Fails where there are [`Self::complaints`].
    ///
    /// # Errors
    /// With all of them.
    pub fn check_no_complaints(&mut self) -> Result<()> {
        let complaints = self.complaints()?;
        ensure!(complaints.is_empty(), "pages complained:\n{}", complaints.join("\n"));
        Ok(())
    }

    /// One command of the protocol, and its answer.
    ///
    /// # Errors
    /// Where the browser refuses, or is gone.
    pub fn call(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.commands.write_all(message.to_string().as_bytes())?;
        self.commands.write_all(&[0])?;
        self.commands.flush()?;
        let end = Instant::now() + PATIENCE;
        loop {
            let message = match self.messages.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => bail!("Chromium does not answer {method}"),
                Err(RecvTimeoutError::Disconnected) => bail!("Chromium has ended: {}", self.log()),
            };
            if message["id"] == id {
                ensure!(message["error"].is_null(), "{method}: {}", message["error"]);
                return Ok(message["result"].clone());
            }
            self.complaints.extend(complaint(&message));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.profile.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Both fail only where it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an event of the protocol complains of.
fn complaint(event: &Value) -> Option<String> {
    let parameters = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(parameters["exceptionDetails"].to_string()),
        "Runtime.consoleAPICalled" if parameters["type"] == "error" => Some(parameters["args"].to_string()),
        "Log.entryAdded" if parameters["entry"]["level"] == "error" => Some(parameters["entry"].to_string()),
        _ => None,
    }
}
