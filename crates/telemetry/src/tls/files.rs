//! Files that are read again when they are needed, with their last valid content.

use std::sync::{Mutex, PoisonError};

use super::file::{TlsFile, TlsFileError};

/// Parses the contents of `N` files. An error is the index of the file and the reason.
type Parse<const N: usize, T> = fn([&[u8]; N]) -> Result<T, (usize, String)>;

/// `N` files that are used together, and their meaning.
pub(super) struct Files<const N: usize, T> {
    paths: [TlsFile; N],
    parse: Parse<N, T>,
    state: Mutex<State<N, T>>,
}

struct State<const N: usize, T> {
    /// The last valid contents, and their meaning.
    valid: Option<([Vec<u8>; N], T)>,
    /// The warning that was logged since the last valid contents.
    logged: Option<TlsFileError>,
}

/// No valid content was read since the start.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a TLS file is missing or invalid")]
pub(super) struct NoValidFile;

impl<const N: usize, T: Clone> Files<N, T> {
    pub(super) fn new(paths: [TlsFile; N], parse: Parse<N, T>) -> Self {
        Self {
            paths,
            parse,
            state: Mutex::new(State {
                valid: None,
                logged: None,
            }),
        }
    }

    /// Reads and parses the files.
    pub(super) fn load(&self) -> Result<T, TlsFileError> {
        let contents = self.read()?;
        self.parse(&contents)
    }

    /// The meaning of the files' present contents, or else of their last valid ones;
    /// `None` if there were none. It blocks as long as reading small local files takes.
    pub(super) fn current(&self) -> Option<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let read = self.read();
        if let (Ok(contents), Some((known, value))) = (&read, &state.valid)
            && contents == known
        {
            let value = value.clone();
            state.logged = None;
            return Some(value);
        }
        match read.and_then(|contents| Ok((self.parse(&contents)?, contents))) {
            Ok((value, contents)) => {
                if state.valid.is_some() {
                    let variable = self.paths[0].variable;
                    tracing::info!(variable, "the changed TLS files are used from now on");
                }
                state.valid = Some((contents, value));
                state.logged = None;
            }
            Err(error) => {
                if state.logged.as_ref() != Some(&error) {
                    let hint = match state.valid {
                        Some(_) => "the last valid content is used until it can be read",
                        None => "no connection can be made until it can be read",
                    };
                    tracing::warn!(%error, hint, "a TLS file cannot be used");
                    state.logged = Some(error);
                }
            }
        }
        state.valid.as_ref().map(|(_, value)| value.clone())
    }

    fn read(&self) -> Result<[Vec<u8>; N], TlsFileError> {
        let mut contents = [const { Vec::new() }; N];
        for (file, content) in self.paths.iter().zip(&mut contents) {
            *content = std::fs::read(&file.path).map_err(|error| {
                error_of(
                    file,
                    format!("cannot be read ({error}): correct the path, or let this user read it"),
                )
            })?;
        }
        Ok(contents)
    }

    fn parse(&self, contents: &[Vec<u8>; N]) -> Result<T, TlsFileError> {
        let contents = contents.each_ref().map(Vec::as_slice);
        (self.parse)(contents).map_err(|(index, reason)| error_of(&self.paths[index], reason))
    }
}

fn error_of(file: &TlsFile, reason: String) -> TlsFileError {
    TlsFileError {
        variable: file.variable,
        path: file.path.clone(),
        reason,
    }
}
