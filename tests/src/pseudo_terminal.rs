//! A program on a terminal of its own, as a person sits before it: what is on the screen, and what is typed.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::processes::wait_until;
use crate::tools::need;

/// Lines of the screen's past that are kept.
const HISTORY_LINES: usize = 1_000;
/// Bytes of what the program wrote that are kept, from the first on.
const WRITTEN_BYTES_MAX: usize = 1 << 20;

/// A terminal, and the program that it was opened for.
pub struct PseudoTerminal {
    child: Child,
    /// The side of the person.
    person: File,
    /// The side of the program, kept so that its modes can be looked at after the program has ended.
    program: OwnedFd,
    screen: Arc<Mutex<vt100::Parser>>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl PseudoTerminal {
    /// Runs a program on a terminal of that size.
    ///
    /// # Errors
    /// Where the system has no terminal to give.
    pub fn start(command: &Command, lines: u16, columns: u16) -> Result<Self> {
        // Gives the program a session whose terminal this is, so that it hears when the size changes.
        need("setsid", "util-linux")?;
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let person = openpt(flags)?;
        grantpt(&person)?;
        unlockpt(&person)?;
        let path = ptsname(&person, Vec::new())?.into_string()?;
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        let program = rustix::fs::open(path, flags, rustix::fs::Mode::empty())?;
        tcsetwinsize(&program, size(lines, columns))?;
        let mut wrapped = Command::new("setsid");
        wrapped.arg("--ctty").arg(command.get_program()).args(command.get_args());
        wrapped.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(name, value),
                None => wrapped.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            wrapped.current_dir(folder);
        }
        wrapped.stdin(program.try_clone()?).stdout(program.try_clone()?).stderr(program.try_clone()?);
        let child = wrapped.spawn().with_context(|| format!("start {command:?}"))?;
        let screen = Arc::new(Mutex::new(vt100::Parser::new(some(lines)?, some(columns)?, HISTORY_LINES)));
        let person = File::from(person);
        let written = Arc::default();
        read_on(person.try_clone()?, screen.clone(), Arc::clone(&written));
        Ok(Self { child, person, program, screen, written })
    }

    fn parser(&self) -> MutexGuard<'_, vt100::Parser> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is on the screen.
    pub fn text(&self) -> String {
        self.parser().screen().contents()
    }

    /// What the program wrote, with all that steers the terminal.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits until something is on the screen.
    ///
    /// # Errors
    /// With what is there instead, where it does not come.
    pub fn wait_for(&self, what: &str) -> Result<()> {
        self.wait_until(&format!("\"{what}\" is on the screen"), |text| text.contains(what))
    }

    /// Waits until the screen is as it is wanted.
    ///
    /// # Errors
    /// With what is there instead, where it does not become so.
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> Result<()> {
        let waited = wait_until(what, || Ok(is_so(&self.text())));
        waited.with_context(|| format!("the screen shows:\n{}", self.text()))
    }

    /// Whether the program has taken the whole screen.
    pub fn is_taken(&self) -> bool {
        self.parser().screen().alternate_screen()
    }

    /// Whether the terminal is as a shell left it: the other screen, a cursor, and lines that are echoed.
    ///
    /// # Errors
    /// Where its modes cannot be read.
    pub fn is_restored(&self) -> Result<bool> {
        let modes = tcgetattr(&self.program)?.local_modes;
        let is_cooked = modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        let parser = self.parser();
        Ok(is_cooked && !parser.screen().alternate_screen() && !parser.screen().hide_cursor())
    }

    /// Types these characters.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn type_keys(&mut self, keys: &str) -> Result<()> {
        self.person.write_all(keys.as_bytes())?;
        Ok(())
    }

    /// Gives the terminal another size, and tells the program.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn resize(&mut self, lines: u16, columns: u16) -> Result<()> {
        self.parser().screen_mut().set_size(some(lines)?, some(columns)?);
        tcsetwinsize(&self.person, size(lines, columns))?;
        Ok(())
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the program has ended and all that it wrote is on the screen.
    ///
    /// # Errors
    /// Where it does not end.
    pub fn ended(&mut self) -> Result<ExitStatus> {
        let waited = wait_until("the program ended", || Ok(self.child.try_wait()?.is_some()));
        waited.with_context(|| format!("the screen shows:\n{}", self.text()))?;
        // Comes after everything that the program wrote.
        let mark = format!("ended {}", self.child.id());
        rustix::io::write(&self.program, mark.as_bytes())?;
        self.wait_for(&mark)?;
        Ok(self.child.wait()?)
    }
}

impl Drop for PseudoTerminal {
    fn drop(&mut self) {
        // Both fail only where the process has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
        println!("--- the screen\n{}", self.text());
    }
}

fn some(count: u16) -> Result<NonZero<u16>> {
    NonZero::new(count).context("a screen has a line and a column")
}

fn size(lines: u16, columns: u16) -> Winsize {
    Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Shows on the screen what the program writes, until its side of the terminal is closed everywhere.
fn read_on(mut person: File, screen: Arc<Mutex<vt100::Parser>>, written: Arc<Mutex<Vec<u8>>>) {
    std::thread::spawn(move || {
        let mut bytes = [0; 4_096];
        while let Ok(count @ 1..) = person.read(&mut bytes) {
            // Before the screen, which is waited for.
            let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
            let room = WRITTEN_BYTES_MAX - written.len();
            written.extend_from_slice(&bytes[..count.min(room)]);
            drop(written);
            screen.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..count]);
        }
    });
}

/// Fails with the screen, where a program did not end with this one.
///
/// # Errors
/// As said.
pub fn ensure_exit(terminal: &mut PseudoTerminal, code: i32) -> Result<()> {
    let status = terminal.ended()?;
    ensure!(status.code() == Some(code), "ended with {status}, not {code}:\n{}", terminal.text());
    Ok(())
}
