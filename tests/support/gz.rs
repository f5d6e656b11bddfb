//! gzip files: one member as `gzip` writes it, and many members as a JVM writes them.

use std::io::{Read, Write};
use std::ops::Range;

use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};

/// The most a JVM puts into one member.
pub const BLOCK: usize = 1 << 20;

/// Where one member is.
#[derive(Clone, Debug)]
pub struct Member {
    /// In the gzip file.
    pub packed: Range<usize>,
    /// In what the gzip file inflates to.
    pub raw: Range<usize>,
}

#[derive(Clone, Debug, Default)]
pub struct Gz {
    pub bytes: Vec<u8>,
    pub members: Vec<Member>,
}

impl Gz {
    /// Appends a member.
    pub fn member(&mut self, data: &[u8], comment: Option<&str>, level: u32) -> &mut Self {
        let start = self.bytes.len();
        let mut builder = GzBuilder::new().mtime(0).operating_system(3);
        if let Some(comment) = comment {
            builder = builder.comment(comment).operating_system(0);
        }
        let mut writer = builder.write(Vec::new(), Compression::new(level));
        writer.write_all(data).expect("writing to memory");
        self.bytes.extend(writer.finish().expect("writing to memory"));
        let raw = self.members.last().map_or(0, |m| m.raw.end);
        self.members.push(Member { packed: start..self.bytes.len(), raw: raw..raw + data.len() });
        self
    }

    /// Appends copies of the last member, without compressing its data again.
    pub fn repeat_last(&mut self, times: usize) -> &mut Self {
        let last = self.members.last().expect("a member").clone();
        let packed = self.bytes[last.packed].to_vec();
        for _ in 0..times {
            let (start, from) = (self.bytes.len(), self.members.last().map_or(0, |m| m.raw.end));
            self.bytes.extend_from_slice(&packed);
            self.members
                .push(Member { packed: start..self.bytes.len(), raw: from..from + last.raw.len() });
        }
        self
    }
}

/// One member, as `gzip` and `jmap -dump:gz` of old tools write it.
pub fn plain(data: &[u8]) -> Vec<u8> {
    Gz::default().member(data, None, 1).bytes.clone()
}

/// Members of at most 1 MiB; the first one carries the comment of HotSpot.
pub fn jvm_style(data: &[u8]) -> Gz {
    let cuts: Vec<usize> = (1..data.len().div_ceil(BLOCK)).map(|i| i * BLOCK).collect();
    jvm_blocks(data, &cuts)
}

/// As [`jvm_style`], with members that end at the given offsets of `data`.
pub fn jvm_blocks(data: &[u8], cuts: &[usize]) -> Gz {
    blocks_with_comment(data, cuts, &format!("HPROF BLOCKSIZE={BLOCK}"))
}

pub fn blocks_with_comment(data: &[u8], cuts: &[usize], comment: &str) -> Gz {
    let mut gz = Gz::default();
    let mut from = 0;
    for &to in cuts.iter().chain([&data.len()]) {
        let comment = (from == 0).then_some(comment);
        gz.member(&data[from..to], comment, 1);
        from = to;
    }
    gz
}

/// What a gzip file inflates to, when nothing is wrong with it.
pub fn inflate(packed: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    MultiGzDecoder::new(packed).read_to_end(&mut out).ok()?;
    Some(out)
}
