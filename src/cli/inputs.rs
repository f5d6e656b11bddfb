//! Turns what the user named into dump files.

use std::path::{Path, PathBuf};

use crate::digest::file;

/// Endings of the files that are taken from a directory.
const ENDINGS: [&str; 5] = [".hprof", ".hprof.gz", ".bin", ".bin.gz", file::ENDING];

/// Why an argument names no dumps.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: std::io::Error },
    #[error("{}: the directory holds no heap dump (*.hprof, *.hprof.gz) and no digest (*.hdd)", .0.display())]
    EmptyDirectory(PathBuf),
    #[error("{0}: no file matches")]
    NoMatch(String),
    #[error("{0}: not a pattern ({1})")]
    Pattern(String, String),
}

/// What the arguments stand for.
#[derive(Debug, Default)]
pub struct Inputs {
    pub files: Vec<PathBuf>,
    /// Digests in a directory or a pattern that are not taken, as their dumps are.
    pub passed_over: Vec<PathBuf>,
}

impl Inputs {
    /// Takes files that nobody named one by one. Of a dump and its digest, `X.hprof` and
    /// `X.hprof.hdd`, only the dump: it cannot be out of date.
    fn extend(&mut self, found: Vec<PathBuf>) {
        let has_dump = |file: &PathBuf| {
            file.as_os_str().as_encoded_bytes().ends_with(file::ENDING.as_bytes())
                && found.contains(&file.with_extension(""))
        };
        let (passed_over, files): (Vec<_>, Vec<_>) =
            found.iter().cloned().partition(|file| has_dump(file));
        self.files.extend(files);
        self.passed_over.extend(passed_over);
    }
}

/// Expands directories and patterns; keeps the order of the arguments.
///
/// # Errors
/// [`InputError`] for an argument that names nothing.
pub fn expand(arguments: &[PathBuf]) -> Result<Inputs, InputError> {
    let mut inputs = Inputs::default();
    for argument in arguments {
        if argument.is_dir() {
            inputs.extend(directory(argument)?);
        } else if argument == Path::new("-") || argument.symlink_metadata().is_ok() {
            inputs.files.push(argument.clone());
        } else {
            match argument.to_str().filter(|text| text.contains(['*', '?', '['])) {
                Some(text) => inputs.extend(pattern(text)?),
                None => inputs.files.push(argument.clone()),
            }
        }
    }
    Ok(inputs)
}

fn directory(path: &Path) -> Result<Vec<PathBuf>, InputError> {
    let failed = |error| InputError::Io { path: path.to_owned(), error };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?.path();
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if entry.is_file() && ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            files.push(entry);
        }
    }
    files.sort_by(|a, b| natural(a, b));
    if files.is_empty() {
        return Err(InputError::EmptyDirectory(path.to_owned()));
    }
    Ok(files)
}

fn pattern(text: &str) -> Result<Vec<PathBuf>, InputError> {
    let paths = glob::glob(text)
        .map_err(|error| InputError::Pattern(text.to_owned(), error.to_string()))?;
    let mut files = Vec::new();
    for path in paths {
        let path = path.map_err(|error| InputError::Io {
            path: error.path().to_owned(),
            error: error.into(),
        })?;
        // Patterns such as `heap.hprof*` match indexes too; those are no dumps.
        let is_index = path.to_string_lossy().contains(".hdx");
        if path.is_file() && !is_index {
            files.push(path);
        }
    }
    files.sort_by(|a, b| natural(a, b));
    if files.is_empty() {
        return Err(InputError::NoMatch(text.to_owned()));
    }
    Ok(files)
}

/// Order of names in which 10 comes after 9.
pub fn natural(a: &Path, b: &Path) -> std::cmp::Ordering {
    let key = |path: &Path| -> Vec<(String, u128)> {
        let text = path.to_string_lossy().into_owned();
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let (words, numbers) = rest.split_at(digits);
            let end = numbers.find(|c: char| !c.is_ascii_digit()).unwrap_or(numbers.len());
            let number = numbers[..end].parse().unwrap_or(0);
            parts.push((words.to_owned(), number));
            rest = &numbers[end..];
        }
        parts
    };
    key(a).cmp(&key(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_comes_after_nine() {
        let mut names: Vec<PathBuf> =
            ["d10.hprof", "d9.hprof", "d1.hprof", "c2"].map(PathBuf::from).to_vec();
        names.sort_by(|a, b| natural(a, b));
        let sorted: Vec<_> = names.iter().map(|name| name.to_str().unwrap()).collect();
        assert_eq!(sorted, ["c2", "d1.hprof", "d9.hprof", "d10.hprof"]);
    }
}
