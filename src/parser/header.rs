//! The file header: magic, size of ids, time of the dump.

use nom::{
    IResult, Parser,
    bytes::complete::{tag, take_until},
    number::complete::{be_u32, be_u64},
};

/// Longest magic that is looked for; real ones have 18 bytes.
const MAX_MAGIC: usize = 64;

/// Start of every hprof file's magic.
pub const MAGIC_PREFIX: &[u8] = b"JAVA PROFILE ";

/// Version of the format, from the magic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// `1.0`, beta JDKs.
    V1_0,
    /// `1.0.1`: JDK up to 8, heaps up to 2 GB; hprof agent.
    V1_0_1,
    /// `1.0.2`: everything newer.
    V1_0_2,
    /// `1.0.3`: Android.
    V1_0_3,
    /// A version this parser does not know, read because the user forced it.
    Other,
}

/// Decoded file header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub version: Version,
    /// The version as written, such as `1.0.2`.
    pub version_text: String,
    /// Bytes of an id: 4 or 8.
    pub id_size: IdSize,
    /// Milliseconds since 1970 at which the dump was written.
    pub time_ms: u64,
    /// Bytes of the header; the first record starts here.
    pub length: usize,
}

/// Bytes of an id in the dump.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdSize {
    Four = 4,
    Eight = 8,
}

impl IdSize {
    pub const fn bytes(self) -> usize {
        self as usize
    }
}

/// Why a file is not a readable hprof dump.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("the file is empty")]
    Empty,
    #[error("this is not an hprof heap dump but {0}")]
    OtherKind(&'static str),
    #[error("this is not an hprof heap dump: it does not start with \"JAVA PROFILE\"")]
    NotHprof,
    #[error("the header is cut off after {0} bytes")]
    CutOff(usize),
    #[error("no end of the version text within the first {MAX_MAGIC} bytes")]
    UnterminatedMagic,
    #[error("unknown hprof version \"{}\"", crate::parser::names::escape(.0))]
    UnknownVersion(String),
    #[error("impossible id size {0} (4 or 8 are possible)")]
    IdSize(u32),
}

impl HeaderError {
    /// Offset of the offending byte.
    pub fn offset(&self) -> u64 {
        match self {
            Self::CutOff(n) => *n as u64,
            Self::UnknownVersion(_) => MAGIC_PREFIX.len() as u64,
            Self::IdSize(_) => 19,
            _ => 0,
        }
    }

    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Empty | Self::CutOff(_) => {
                "the copy or the dump itself was interrupted; copy or take it again"
            }
            Self::OtherKind(_) => "unpack or convert it first, then pass the .hprof file",
            Self::UnknownVersion(_) => {
                "if you are sure that it is an hprof dump, read it anyway with --force"
            }
            Self::NotHprof | Self::UnterminatedMagic | Self::IdSize(_) => {
                "pass a dump written by jmap, jcmd GC.heap_dump or -XX:+HeapDumpOnOutOfMemoryError"
            }
        }
    }
}

/// Kinds of files that people pass by mistake, by their first bytes.
fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "a zip archive"),
        (b"\x28\xb5\x2f\xfd", "a zstd-compressed file"),
        (b"BZh", "a bzip2-compressed file"),
        (b"\xfd7zXZ\0", "an xz-compressed file"),
        (b"\x1f\x8b", "gzip inside gzip"),
        (b"\x7fELF", "an ELF file (a core dump?)"),
        (b"portable heap dump", "an OpenJ9 portable heap dump (PHD)"),
        (b"\x00\x12portable heap dump", "an OpenJ9 portable heap dump (PHD)"),
        (b"\xca\xfe\xba\xbe", "a Java class file"),
        (b"FLR\0", "a JFR recording"),
        (b"ustar", "a tar archive"),
    ];
    if bytes.get(257..262) == Some(b"ustar") {
        return Some("a tar archive");
    }
    KINDS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, kind)| *kind)
}

fn fields(input: &[u8]) -> IResult<&[u8], (&[u8], u32, u64)> {
    let (rest, (_, version, _, id_size, time_ms)) =
        (tag(MAGIC_PREFIX), take_until("\0"), tag("\0"), be_u32, be_u64).parse(input)?;
    Ok((rest, (version, id_size, time_ms)))
}

/// Reads the header at the start of `bytes` (the first few hundred bytes suffice).
///
/// `force` accepts a version that is not known.
///
/// # Errors
/// [`HeaderError`] says why the bytes are no header and what to do.
pub fn parse_header(bytes: &[u8], force: bool) -> Result<Header, HeaderError> {
    if bytes.is_empty() {
        return Err(HeaderError::Empty);
    }
    let prefix = bytes.len().min(MAGIC_PREFIX.len());
    if bytes[..prefix] != MAGIC_PREFIX[..prefix] {
        return Err(other_kind(bytes).map_or(HeaderError::NotHprof, HeaderError::OtherKind));
    }
    let magic = &bytes[..bytes.len().min(MAX_MAGIC)];
    if !magic.contains(&0) {
        return Err(if bytes.len() < MAX_MAGIC {
            HeaderError::CutOff(bytes.len())
        } else {
            HeaderError::UnterminatedMagic
        });
    }
    let Ok((rest, (version, id_size, time_ms))) = fields(bytes) else {
        return Err(HeaderError::CutOff(bytes.len()));
    };
    let version_text = String::from_utf8_lossy(version).into_owned();
    let version = match version {
        b"1.0" => Version::V1_0,
        b"1.0.1" => Version::V1_0_1,
        b"1.0.2" => Version::V1_0_2,
        b"1.0.3" => Version::V1_0_3,
        _ if force => Version::Other,
        _ => return Err(HeaderError::UnknownVersion(version_text)),
    };
    let id_size = match id_size {
        4 => IdSize::Four,
        8 => IdSize::Eight,
        other => return Err(HeaderError::IdSize(other)),
    };
    Ok(Header { version, version_text, id_size, time_ms, length: bytes.len() - rest.len() })
}
