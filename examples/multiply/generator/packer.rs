//! Puts heap records into segments as JDK 17 does, or behind each other into a single record.

use heapdrift::parser::record::RECORD_HEADER;
use heapdrift::parser::tags::top;

/// Bytes of the JVM's buffer: the longest segment of more than one record, its header included.
const BUFFER: usize = 1 << 20;

/// Header of a top-level record whose body has `length` bytes.
pub fn record_header(tag: u8, length: u32) -> [u8; RECORD_HEADER] {
    let mut header = [0; RECORD_HEADER];
    header[0] = tag;
    header[5..].copy_from_slice(&length.to_be_bytes());
    header
}

/// See the module's text.
pub struct Packer {
    segmented: bool,
    bytes: Vec<u8>,
    /// Where the header of the segment that is being filled stands.
    open: Option<usize>,
}

impl Packer {
    pub fn new(segmented: bool) -> Self {
        Self { segmented, bytes: Vec::new(), open: None }
    }

    /// Adds a record, which no segment may cut, and gives its offset in the packed bytes.
    pub fn push(&mut self, record: &[u8]) -> usize {
        if self.segmented && !self.fits(record) {
            self.close();
            self.open = Some(self.bytes.len());
            self.bytes.extend_from_slice(&record_header(top::HEAP_DUMP_SEGMENT, 0));
        }
        let at = self.bytes.len();
        self.bytes.extend_from_slice(record);
        at
    }

    /// True when a record goes into the segment that is being filled.
    pub fn fits(&self, record: &[u8]) -> bool {
        self.open.is_some_and(|start| self.bytes.len() - start + record.len() <= BUFFER)
    }

    /// Ends the segment that is being filled.
    fn close(&mut self) {
        if let Some(start) = self.open.take() {
            // Fits: a segment that is longer than the buffer holds one record of the base, and
            // that lay in a segment, too.
            let length = (self.bytes.len() - start - RECORD_HEADER) as u32;
            let header = record_header(top::HEAP_DUMP_SEGMENT, length);
            self.bytes[start..start + RECORD_HEADER].copy_from_slice(&header);
        }
    }

    /// Bytes packed since the last [`Packer::clear`].
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The packed bytes; further records go into a new segment.
    pub fn finish(&mut self) -> &[u8] {
        self.close();
        &self.bytes
    }

    /// As [`Packer::finish`], for keeping.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.close();
        self.bytes
    }

    /// Forgets what was packed.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }
}
