//! The command line: arguments, commands, messages, exit codes.

mod args;
mod commands;
mod digest;
mod index;
mod inputs;
mod opening;
mod progress;
mod show;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::report::text::{styled, styles};

/// How the program ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    Fine = 0,
    /// Usage or configuration.
    Usage = 2,
    /// An input is unreadable, incomplete or not comparable.
    Input = 3,
}

/// A message for the user and the exit code that goes with it.
#[derive(Debug)]
pub struct Failure {
    message: String,
    help: Option<String>,
    exit: Exit,
    /// The reader of the output went away: no failure at all.
    broken_pipe: bool,
}

impl Failure {
    fn new(message: String, exit: Exit) -> Self {
        Self { message, help: None, exit, broken_pipe: false }
    }

    fn usage(message: String) -> Self {
        Self::new(message, Exit::Usage)
    }

    fn input(message: String) -> Self {
        Self::new(message, Exit::Input)
    }

    fn output(error: std::io::Error) -> Self {
        let broken_pipe = error.kind() == std::io::ErrorKind::BrokenPipe;
        Self { broken_pipe, ..Self::new(format!("cannot write the report: {error}"), Exit::Input) }
    }

    fn json(error: serde_json::Error) -> Self {
        Self::new(format!("cannot write JSON: {error}"), Exit::Input)
    }

    fn help(mut self, help: &str) -> Self {
        self.help = Some(help.to_owned());
        self
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let exit = match commands::run(args::Cli::parse()) {
        Ok(exit) => exit,
        Err(failure) if failure.broken_pipe => Exit::Fine,
        Err(failure) => {
            let mut text = format!("{} {}", styled(styles::ERROR, "error:"), failure.message);
            if let Some(help) = failure.help {
                text += &format!("\n  {} {help}", styled(styles::HEAD, "help:"));
            }
            // Nobody can be told when standard error is closed.
            let _ = writeln!(anstream::stderr(), "{text}");
            failure.exit
        }
    };
    ExitCode::from(exit as u8)
}
