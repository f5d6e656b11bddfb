//! A writer of synthetic HPROF files.
//!
//! It shares no code with the parser, on purpose: when both sides agree on a layout, two independent readings of the
//! format agree. There are three layers, and a test may use any of them:
//!
//! * [`Hprof`] writes a file header and top-level records and remembers where each one landed;
//! * [`Subs`] writes heap sub-records, which [`Hprof::heap_dump`], [`Hprof::segment`] or [`Hprof::dump`] then frame;
//! * [`Jvm`] is a small model of a heap: it hands out addresses as a compacting collector leaves them (each object
//!   ends where the next one begins) and knows the histogram that its dump must produce.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

// ---------------------------------------------------------------------------------------------------------------
// Tags. Each value stands in one place.

/// Tags of top-level records.
pub mod record {
    pub const UTF8: u8 = 0x01;
    pub const LOAD_CLASS: u8 = 0x02;
    pub const UNLOAD_CLASS: u8 = 0x03;
    pub const FRAME: u8 = 0x04;
    pub const TRACE: u8 = 0x05;
    pub const ALLOC_SITES: u8 = 0x06;
    pub const HEAP_SUMMARY: u8 = 0x07;
    pub const START_THREAD: u8 = 0x0A;
    pub const END_THREAD: u8 = 0x0B;
    pub const HEAP_DUMP: u8 = 0x0C;
    pub const CPU_SAMPLES: u8 = 0x0D;
    pub const CONTROL_SETTINGS: u8 = 0x0E;
    pub const HEAP_DUMP_SEGMENT: u8 = 0x1C;
    pub const HEAP_DUMP_END: u8 = 0x2C;
}

/// Tags of the sub-records inside a heap dump.
pub mod sub {
    pub const ROOT_UNKNOWN: u8 = 0xFF;
    pub const ROOT_JNI_GLOBAL: u8 = 0x01;
    pub const ROOT_JNI_LOCAL: u8 = 0x02;
    pub const ROOT_JAVA_FRAME: u8 = 0x03;
    pub const ROOT_NATIVE_STACK: u8 = 0x04;
    pub const ROOT_STICKY_CLASS: u8 = 0x05;
    pub const ROOT_THREAD_BLOCK: u8 = 0x06;
    pub const ROOT_MONITOR_USED: u8 = 0x07;
    pub const ROOT_THREAD_OBJECT: u8 = 0x08;
    pub const CLASS_DUMP: u8 = 0x20;
    pub const INSTANCE_DUMP: u8 = 0x21;
    pub const OBJECT_ARRAY_DUMP: u8 = 0x22;
    pub const PRIMITIVE_ARRAY_DUMP: u8 = 0x23;
    pub const ANDROID_INTERNED_STRING: u8 = 0x89;
    pub const ANDROID_FINALIZING: u8 = 0x8A;
    pub const ANDROID_DEBUGGER: u8 = 0x8B;
    pub const ANDROID_REFERENCE_CLEANUP: u8 = 0x8C;
    pub const ANDROID_VM_INTERNAL: u8 = 0x8D;
    pub const ANDROID_JNI_MONITOR: u8 = 0x8E;
    pub const ANDROID_UNREACHABLE: u8 = 0x90;
    pub const ANDROID_PRIMITIVE_ARRAY_NODATA: u8 = 0xC3;
    pub const ANDROID_HEAP_DUMP_INFO: u8 = 0xFE;
}

/// 2023-11-14T22:13:20Z, the time in the header unless a test sets another one.
pub const DEFAULT_TIME_MS: u64 = 1_700_000_000_000;

// ---------------------------------------------------------------------------------------------------------------
// Types and values

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdSize {
    Four,
    Eight,
}

impl IdSize {
    pub fn bytes(self) -> usize {
        match self {
            IdSize::Four => 4,
            IdSize::Eight => 8,
        }
    }

    /// Appends an id. Ids that do not fit four bytes are cut, as a writer with that id size would do.
    pub fn put(self, out: &mut Vec<u8>, id: u64) {
        match self {
            IdSize::Four => out.extend_from_slice(&(id as u32).to_be_bytes()),
            IdSize::Eight => out.extend_from_slice(&id.to_be_bytes()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V101,
    V102,
    V103,
}

impl Version {
    pub fn magic(self) -> &'static str {
        match self {
            Version::V101 => "JAVA PROFILE 1.0.1",
            Version::V102 => "JAVA PROFILE 1.0.2",
            Version::V103 => "JAVA PROFILE 1.0.3",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    Object,
    Boolean,
    Char,
    Float,
    Double,
    Byte,
    Short,
    Int,
    Long,
}

impl Type {
    pub const PRIMITIVE: [Type; 8] = [
        Type::Boolean,
        Type::Char,
        Type::Float,
        Type::Double,
        Type::Byte,
        Type::Short,
        Type::Int,
        Type::Long,
    ];

    pub fn code(self) -> u8 {
        match self {
            Type::Object => 2,
            Type::Boolean => 4,
            Type::Char => 5,
            Type::Float => 6,
            Type::Double => 7,
            Type::Byte => 8,
            Type::Short => 9,
            Type::Int => 10,
            Type::Long => 11,
        }
    }

    /// Bytes of one value, references being as wide as `reference`.
    pub fn width(self, reference: usize) -> usize {
        match self {
            Type::Object => reference,
            Type::Boolean | Type::Byte => 1,
            Type::Char | Type::Short => 2,
            Type::Float | Type::Int => 4,
            Type::Double | Type::Long => 8,
        }
    }

    /// The JVM's name of the array class with this element type.
    pub fn array_class_name(self) -> &'static str {
        match self {
            Type::Object => "[Ljava/lang/Object;",
            Type::Boolean => "[Z",
            Type::Char => "[C",
            Type::Float => "[F",
            Type::Double => "[D",
            Type::Byte => "[B",
            Type::Short => "[S",
            Type::Int => "[I",
            Type::Long => "[J",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    Ref(u64),
    Boolean(bool),
    Char(u16),
    Float(f32),
    Double(f64),
    Byte(i8),
    Short(i16),
    Int(i32),
    Long(i64),
}

impl Value {
    pub fn kind(self) -> Type {
        match self {
            Value::Ref(_) => Type::Object,
            Value::Boolean(_) => Type::Boolean,
            Value::Char(_) => Type::Char,
            Value::Float(_) => Type::Float,
            Value::Double(_) => Type::Double,
            Value::Byte(_) => Type::Byte,
            Value::Short(_) => Type::Short,
            Value::Int(_) => Type::Int,
            Value::Long(_) => Type::Long,
        }
    }

    pub fn zero(kind: Type) -> Value {
        match kind {
            Type::Object => Value::Ref(0),
            Type::Boolean => Value::Boolean(false),
            Type::Char => Value::Char(0),
            Type::Float => Value::Float(0.0),
            Type::Double => Value::Double(0.0),
            Type::Byte => Value::Byte(0),
            Type::Short => Value::Short(0),
            Type::Int => Value::Int(0),
            Type::Long => Value::Long(0),
        }
    }

    pub fn put(self, ids: IdSize, out: &mut Vec<u8>) {
        match self {
            Value::Ref(id) => ids.put(out, id),
            Value::Boolean(v) => out.push(u8::from(v)),
            Value::Char(v) => out.extend_from_slice(&v.to_be_bytes()),
            Value::Float(v) => out.extend_from_slice(&v.to_be_bytes()),
            Value::Double(v) => out.extend_from_slice(&v.to_be_bytes()),
            Value::Byte(v) => out.extend_from_slice(&v.to_be_bytes()),
            Value::Short(v) => out.extend_from_slice(&v.to_be_bytes()),
            Value::Int(v) => out.extend_from_slice(&v.to_be_bytes()),
            Value::Long(v) => out.extend_from_slice(&v.to_be_bytes()),
        }
    }
}

/// Java's modified UTF-8: NUL is `C0 80`, a supplementary character is a pair of three-byte surrogates.
pub fn modified_utf8(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for unit in text.encode_utf16() {
        match unit {
            0x01..=0x7F => out.push(unit as u8),
            0x00 | 0x80..=0x7FF => {
                out.push(0xC0 | (unit >> 6) as u8);
                out.push(0x80 | (unit & 0x3F) as u8);
            }
            _ => {
                out.push(0xE0 | (unit >> 12) as u8);
                out.push(0x80 | (unit >> 6 & 0x3F) as u8);
                out.push(0x80 | (unit & 0x3F) as u8);
            }
        }
    }
    out
}

/// `[Ljava/lang/String;` as a programmer writes it: `java.lang.String[]`.
pub fn source_name(internal: &str) -> String {
    let dimensions = internal.bytes().take_while(|&b| b == b'[').count();
    let element = &internal[dimensions..];
    let element = match (dimensions, element) {
        (0, name) => name.to_owned(),
        (_, "Z") => "boolean".to_owned(),
        (_, "C") => "char".to_owned(),
        (_, "F") => "float".to_owned(),
        (_, "D") => "double".to_owned(),
        (_, "B") => "byte".to_owned(),
        (_, "S") => "short".to_owned(),
        (_, "I") => "int".to_owned(),
        (_, "J") => "long".to_owned(),
        (_, name) => name.trim_start_matches('L').trim_end_matches(';').to_owned(),
    };
    element.replace('/', ".") + &"[]".repeat(dimensions)
}

// ---------------------------------------------------------------------------------------------------------------
// Sub-records

/// The body of a CLASS_DUMP.
#[derive(Clone, Debug, Default)]
pub struct ClassDump {
    pub id: u64,
    pub trace: u32,
    pub super_id: u64,
    pub loader: u64,
    pub signers: u64,
    pub domain: u64,
    pub instance_size: u32,
    pub constants: Vec<(u16, Value)>,
    pub statics: Vec<(u64, Value)>,
    pub fields: Vec<(u64, Type)>,
}

/// Where a sub-record is: relative to a [`Subs`] before it is framed, in the file afterwards.
#[derive(Clone, Debug)]
pub struct Sub {
    pub tag: u8,
    pub start: usize,
    pub end: usize,
    /// Which of [`Hprof::records`] it is in (0 before framing).
    pub record: usize,
    /// The row of the histogram that this sub-record is counted in, if it is known and is an object.
    pub row: Option<Arc<str>>,
}

/// A run of heap sub-records.
#[derive(Clone, Debug)]
pub struct Subs {
    pub ids: IdSize,
    pub bytes: Vec<u8>,
    pub subs: Vec<Sub>,
}

impl Subs {
    pub fn new(ids: IdSize) -> Self {
        Subs { ids, bytes: Vec::new(), subs: Vec::new() }
    }

    /// One sub-record of any form: the tag, then whatever `body` writes.
    pub fn push(&mut self, tag: u8, body: impl FnOnce(IdSize, &mut Vec<u8>)) -> &mut Self {
        let start = self.bytes.len();
        self.bytes.push(tag);
        body(self.ids, &mut self.bytes);
        self.subs.push(Sub { tag, start, end: self.bytes.len(), record: 0, row: None });
        self
    }

    /// Names the row of the histogram that the last sub-record counts in.
    pub fn in_row(&mut self, row: &Arc<str>) -> &mut Self {
        if let Some(last) = self.subs.last_mut() {
            last.row = Some(row.clone());
        }
        self
    }

    /// Bytes that are not a sub-record.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub fn append(&mut self, other: &Subs) -> &mut Self {
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.subs.extend(other.subs.iter().map(|s| Sub {
            start: s.start + base,
            end: s.end + base,
            ..s.clone()
        }));
        self
    }

    fn root(&mut self, tag: u8, object: u64, words: &[u32]) -> &mut Self {
        self.push(tag, |ids, out| {
            ids.put(out, object);
            for word in words {
                out.extend_from_slice(&word.to_be_bytes());
            }
        })
    }

    pub fn root_unknown(&mut self, object: u64) -> &mut Self {
        self.root(sub::ROOT_UNKNOWN, object, &[])
    }

    pub fn root_jni_global(&mut self, object: u64, reference: u64) -> &mut Self {
        self.push(sub::ROOT_JNI_GLOBAL, |ids, out| {
            ids.put(out, object);
            ids.put(out, reference);
        })
    }

    pub fn root_jni_local(&mut self, object: u64, thread: u32, frame: u32) -> &mut Self {
        self.root(sub::ROOT_JNI_LOCAL, object, &[thread, frame])
    }

    pub fn root_java_frame(&mut self, object: u64, thread: u32, frame: u32) -> &mut Self {
        self.root(sub::ROOT_JAVA_FRAME, object, &[thread, frame])
    }

    pub fn root_native_stack(&mut self, object: u64, thread: u32) -> &mut Self {
        self.root(sub::ROOT_NATIVE_STACK, object, &[thread])
    }

    pub fn root_sticky_class(&mut self, object: u64) -> &mut Self {
        self.root(sub::ROOT_STICKY_CLASS, object, &[])
    }

    pub fn root_thread_block(&mut self, object: u64, thread: u32) -> &mut Self {
        self.root(sub::ROOT_THREAD_BLOCK, object, &[thread])
    }

    pub fn root_monitor_used(&mut self, object: u64) -> &mut Self {
        self.root(sub::ROOT_MONITOR_USED, object, &[])
    }

    pub fn root_thread_object(&mut self, object: u64, thread: u32, trace: u32) -> &mut Self {
        self.root(sub::ROOT_THREAD_OBJECT, object, &[thread, trace])
    }

    pub fn android_interned_string(&mut self, object: u64) -> &mut Self {
        self.root(sub::ANDROID_INTERNED_STRING, object, &[])
    }

    pub fn android_finalizing(&mut self, object: u64) -> &mut Self {
        self.root(sub::ANDROID_FINALIZING, object, &[])
    }

    pub fn android_debugger(&mut self, object: u64) -> &mut Self {
        self.root(sub::ANDROID_DEBUGGER, object, &[])
    }

    pub fn android_reference_cleanup(&mut self, object: u64) -> &mut Self {
        self.root(sub::ANDROID_REFERENCE_CLEANUP, object, &[])
    }

    pub fn android_vm_internal(&mut self, object: u64) -> &mut Self {
        self.root(sub::ANDROID_VM_INTERNAL, object, &[])
    }

    pub fn android_jni_monitor(&mut self, object: u64, thread: u32, frame: u32) -> &mut Self {
        self.root(sub::ANDROID_JNI_MONITOR, object, &[thread, frame])
    }

    pub fn android_unreachable(&mut self, object: u64) -> &mut Self {
        self.root(sub::ANDROID_UNREACHABLE, object, &[])
    }

    pub fn android_heap_dump_info(&mut self, heap: u32, name: u64) -> &mut Self {
        self.push(sub::ANDROID_HEAP_DUMP_INFO, |ids, out| {
            out.extend_from_slice(&heap.to_be_bytes());
            ids.put(out, name);
        })
    }

    pub fn android_primitive_array_nodata(
        &mut self,
        id: u64,
        length: u32,
        element: Type,
    ) -> &mut Self {
        self.push(sub::ANDROID_PRIMITIVE_ARRAY_NODATA, |ids, out| {
            ids.put(out, id);
            out.extend_from_slice(&0_u32.to_be_bytes());
            out.extend_from_slice(&length.to_be_bytes());
            out.push(element.code());
        })
    }

    pub fn class_dump(&mut self, class: &ClassDump) -> &mut Self {
        self.push(sub::CLASS_DUMP, |ids, out| {
            ids.put(out, class.id);
            out.extend_from_slice(&class.trace.to_be_bytes());
            for id in [class.super_id, class.loader, class.signers, class.domain, 0, 0] {
                ids.put(out, id);
            }
            out.extend_from_slice(&class.instance_size.to_be_bytes());
            out.extend_from_slice(&(class.constants.len() as u16).to_be_bytes());
            for &(index, value) in &class.constants {
                out.extend_from_slice(&index.to_be_bytes());
                out.push(value.kind().code());
                value.put(ids, out);
            }
            out.extend_from_slice(&(class.statics.len() as u16).to_be_bytes());
            for &(name, value) in &class.statics {
                ids.put(out, name);
                out.push(value.kind().code());
                value.put(ids, out);
            }
            out.extend_from_slice(&(class.fields.len() as u16).to_be_bytes());
            for &(name, kind) in &class.fields {
                ids.put(out, name);
                out.push(kind.code());
            }
        })
    }

    /// An instance whose values are already encoded.
    pub fn instance(&mut self, id: u64, class: u64, values: &[u8]) -> &mut Self {
        self.instance_claiming(id, class, values.len() as u32, values)
    }

    /// An instance that claims `length` bytes of values, whatever follows.
    pub fn instance_claiming(
        &mut self,
        id: u64,
        class: u64,
        length: u32,
        values: &[u8],
    ) -> &mut Self {
        self.push(sub::INSTANCE_DUMP, |ids, out| {
            ids.put(out, id);
            out.extend_from_slice(&1_u32.to_be_bytes());
            ids.put(out, class);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(values);
        })
    }

    pub fn object_array(&mut self, id: u64, class: u64, elements: &[u64]) -> &mut Self {
        self.object_array_claiming(id, class, elements.len() as u32, elements)
    }

    /// An object array that claims `length` elements, whatever follows.
    pub fn object_array_claiming(
        &mut self,
        id: u64,
        class: u64,
        length: u32,
        elements: &[u64],
    ) -> &mut Self {
        self.push(sub::OBJECT_ARRAY_DUMP, |ids, out| {
            ids.put(out, id);
            out.extend_from_slice(&1_u32.to_be_bytes());
            out.extend_from_slice(&length.to_be_bytes());
            ids.put(out, class);
            for &element in elements {
                ids.put(out, element);
            }
        })
    }

    /// A primitive array; `data` holds its elements, already encoded.
    pub fn primitive_array(&mut self, id: u64, element: Type, data: &[u8]) -> &mut Self {
        let length = data.len() / element.width(0);
        self.primitive_array_claiming(id, element.code(), length as u32, data)
    }

    /// A primitive array that claims `length` elements of type `code`, whatever follows.
    pub fn primitive_array_claiming(
        &mut self,
        id: u64,
        code: u8,
        length: u32,
        data: &[u8],
    ) -> &mut Self {
        self.push(sub::PRIMITIVE_ARRAY_DUMP, |ids, out| {
            ids.put(out, id);
            out.extend_from_slice(&1_u32.to_be_bytes());
            out.extend_from_slice(&length.to_be_bytes());
            out.push(code);
            out.extend_from_slice(data);
        })
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Files

/// Where a top-level record is in the file.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub tag: u8,
    pub start: usize,
    pub end: usize,
}

impl Record {
    /// The offset of the four length bytes.
    pub fn length_at(&self) -> usize {
        self.start + 5
    }

    /// The offset of the first byte after the record header.
    pub fn body(&self) -> usize {
        self.start + 9
    }
}

/// How a dump is cut into top-level records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One HEAP_DUMP record, without a HEAP_DUMP_END.
    One,
    /// HEAP_DUMP_SEGMENT records of at most so many bytes of body (more only for one large sub-record), and a
    /// HEAP_DUMP_END.
    Segments(usize),
    /// The same, without the HEAP_DUMP_END.
    SegmentsWithoutEnd(usize),
}

/// A file under construction, and the map of where everything in it landed.
#[derive(Clone, Debug)]
pub struct Hprof {
    pub ids: IdSize,
    pub bytes: Vec<u8>,
    pub records: Vec<Record>,
    pub subs: Vec<Sub>,
}

impl Hprof {
    pub fn new(version: Version, ids: IdSize) -> Self {
        Self::with_header(version.magic(), ids.bytes() as u32, DEFAULT_TIME_MS, ids)
    }

    pub fn at(version: Version, ids: IdSize, time_ms: u64) -> Self {
        Self::with_header(version.magic(), ids.bytes() as u32, time_ms, ids)
    }

    /// A header that says anything; ids are written as `ids` nevertheless.
    pub fn with_header(magic: &str, id_size: u32, time_ms: u64, ids: IdSize) -> Self {
        let mut bytes = magic.as_bytes().to_vec();
        bytes.push(0);
        bytes.extend_from_slice(&id_size.to_be_bytes());
        bytes.extend_from_slice(&time_ms.to_be_bytes());
        Hprof { ids, bytes, records: Vec::new(), subs: Vec::new() }
    }

    /// The bytes of the file header.
    pub fn header_len(&self) -> usize {
        self.bytes.iter().position(|&b| b == 0).unwrap_or(0) + 1 + 4 + 8
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// One record of any form: `body` writes what follows the header.
    pub fn push(&mut self, tag: u8, body: impl FnOnce(IdSize, &mut Vec<u8>)) -> &mut Self {
        let start = self.bytes.len();
        self.bytes.push(tag);
        self.bytes.extend_from_slice(&[0; 8]);
        body(self.ids, &mut self.bytes);
        let end = self.bytes.len();
        let length = (end - start - 9) as u32;
        self.bytes[start + 5..start + 9].copy_from_slice(&length.to_be_bytes());
        self.records.push(Record { tag, start, end });
        self
    }

    /// Bytes that are not a record.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub fn raw_record(&mut self, tag: u8, body: &[u8]) -> &mut Self {
        self.push(tag, |_, out| out.extend_from_slice(body))
    }

    pub fn utf8(&mut self, id: u64, text: &[u8]) -> &mut Self {
        self.push(record::UTF8, |ids, out| {
            ids.put(out, id);
            out.extend_from_slice(text);
        })
    }

    pub fn load_class(&mut self, serial: u32, class: u64, name: u64) -> &mut Self {
        self.push(record::LOAD_CLASS, |ids, out| {
            out.extend_from_slice(&serial.to_be_bytes());
            ids.put(out, class);
            out.extend_from_slice(&1_u32.to_be_bytes());
            ids.put(out, name);
        })
    }

    fn words(&mut self, tag: u8, words: &[u32]) -> &mut Self {
        self.push(tag, |_, out| {
            for word in words {
                out.extend_from_slice(&word.to_be_bytes());
            }
        })
    }

    pub fn unload_class(&mut self, serial: u32) -> &mut Self {
        self.words(record::UNLOAD_CLASS, &[serial])
    }

    pub fn frame(&mut self, id: u64, names: [u64; 3], class_serial: u32, line: i32) -> &mut Self {
        self.push(record::FRAME, |ids, out| {
            ids.put(out, id);
            for name in names {
                ids.put(out, name);
            }
            out.extend_from_slice(&class_serial.to_be_bytes());
            out.extend_from_slice(&line.to_be_bytes());
        })
    }

    pub fn trace(&mut self, serial: u32, thread: u32, frames: &[u64]) -> &mut Self {
        self.trace_claiming(serial, thread, frames.len() as u32, frames)
    }

    /// A TRACE that claims `count` frames, whatever follows.
    pub fn trace_claiming(
        &mut self,
        serial: u32,
        thread: u32,
        count: u32,
        frames: &[u64],
    ) -> &mut Self {
        self.push(record::TRACE, |ids, out| {
            for word in [serial, thread, count] {
                out.extend_from_slice(&word.to_be_bytes());
            }
            for &frame in frames {
                ids.put(out, frame);
            }
        })
    }

    /// ALLOC_SITES with one site for each `(is_array, class serial)`.
    pub fn alloc_sites(&mut self, sites: &[(u8, u32)]) -> &mut Self {
        self.push(record::ALLOC_SITES, |_, out| {
            out.extend_from_slice(&2_u16.to_be_bytes());
            out.extend_from_slice(&0.01_f32.to_be_bytes());
            out.extend_from_slice(&100_u32.to_be_bytes());
            out.extend_from_slice(&5_u32.to_be_bytes());
            out.extend_from_slice(&200_u64.to_be_bytes());
            out.extend_from_slice(&10_u64.to_be_bytes());
            out.extend_from_slice(&(sites.len() as u32).to_be_bytes());
            for &(is_array, serial) in sites {
                out.push(is_array);
                for word in [serial, 1, 100, 5, 200, 10] {
                    out.extend_from_slice(&u32::to_be_bytes(word));
                }
            }
        })
    }

    pub fn heap_summary(&mut self, live_bytes: u32, live_instances: u32) -> &mut Self {
        self.push(record::HEAP_SUMMARY, |_, out| {
            out.extend_from_slice(&live_bytes.to_be_bytes());
            out.extend_from_slice(&live_instances.to_be_bytes());
            out.extend_from_slice(&u64::from(live_bytes).to_be_bytes());
            out.extend_from_slice(&u64::from(live_instances).to_be_bytes());
        })
    }

    /// START_THREAD; `names` are the thread, its group and the parent of the group.
    pub fn start_thread(
        &mut self,
        thread: u32,
        object: u64,
        trace: u32,
        names: [u64; 3],
    ) -> &mut Self {
        self.push(record::START_THREAD, |ids, out| {
            out.extend_from_slice(&thread.to_be_bytes());
            ids.put(out, object);
            out.extend_from_slice(&trace.to_be_bytes());
            for name in names {
                ids.put(out, name);
            }
        })
    }

    pub fn end_thread(&mut self, thread: u32) -> &mut Self {
        self.words(record::END_THREAD, &[thread])
    }

    /// CPU_SAMPLES of `(count, trace serial)`.
    pub fn cpu_samples(&mut self, total: u32, samples: &[(u32, u32)]) -> &mut Self {
        let mut words = vec![total, samples.len() as u32];
        words.extend(samples.iter().flat_map(|&(count, trace)| [count, trace]));
        self.words(record::CPU_SAMPLES, &words)
    }

    pub fn control_settings(&mut self, flags: u32, depth: u16) -> &mut Self {
        self.push(record::CONTROL_SETTINGS, |_, out| {
            out.extend_from_slice(&flags.to_be_bytes());
            out.extend_from_slice(&depth.to_be_bytes());
        })
    }

    fn framed(&mut self, tag: u8, subs: &Subs, first: usize, last: usize, bytes: Range<usize>) {
        let base = self.bytes.len() + 9;
        let record = self.records.len();
        self.push(tag, |_, out| out.extend_from_slice(&subs.bytes[bytes.clone()]));
        self.subs.extend(subs.subs[first..last].iter().map(|s| Sub {
            start: s.start - bytes.start + base,
            end: s.end - bytes.start + base,
            record,
            ..s.clone()
        }));
    }

    /// All of `subs` as one HEAP_DUMP.
    pub fn heap_dump(&mut self, subs: &Subs) -> &mut Self {
        self.framed(record::HEAP_DUMP, subs, 0, subs.subs.len(), 0..subs.bytes.len());
        self
    }

    /// All of `subs` as one HEAP_DUMP_SEGMENT.
    pub fn segment(&mut self, subs: &Subs) -> &mut Self {
        self.framed(record::HEAP_DUMP_SEGMENT, subs, 0, subs.subs.len(), 0..subs.bytes.len());
        self
    }

    pub fn heap_dump_end(&mut self) -> &mut Self {
        self.raw_record(record::HEAP_DUMP_END, &[])
    }

    /// All of `subs`, framed as told.
    pub fn dump(&mut self, subs: &Subs, framing: Framing) -> &mut Self {
        let (max, end) = match framing {
            Framing::One => return self.heap_dump(subs),
            Framing::Segments(max) => (max, true),
            Framing::SegmentsWithoutEnd(max) => (max, false),
        };
        let mut first = 0;
        while first < subs.subs.len() {
            let from = subs.subs[first].start;
            let mut last = first + 1;
            while last < subs.subs.len() && subs.subs[last].end - from <= max {
                last += 1;
            }
            let to = subs.subs.get(last).map_or(subs.bytes.len(), |s| s.start);
            self.framed(record::HEAP_DUMP_SEGMENT, subs, first, last, from..to);
            first = last;
        }
        if end {
            self.heap_dump_end();
        }
        self
    }

    /// The first record with this tag.
    pub fn first(&self, tag: u8) -> Record {
        self.all(tag)[0]
    }

    pub fn all(&self, tag: u8) -> Vec<Record> {
        self.records.iter().filter(|r| r.tag == tag).copied().collect()
    }

    /// The records that hold sub-records.
    pub fn heap_records(&self) -> Vec<Record> {
        let is_heap = |r: &&Record| matches!(r.tag, record::HEAP_DUMP | record::HEAP_DUMP_SEGMENT);
        self.records.iter().filter(is_heap).copied().collect()
    }

    /// How many objects each row of the histogram has when only the first `len` bytes of the file are there.
    pub fn rows_before(&self, len: usize) -> BTreeMap<String, u64> {
        let mut rows = BTreeMap::new();
        for sub in self.subs.iter().filter(|s| s.end <= len) {
            if let Some(row) = &sub.row {
                *rows.entry(row.to_string()).or_insert(0) += 1;
            }
        }
        rows
    }

    /// The file without its last bytes.
    pub fn cut(&self, len: usize) -> Vec<u8> {
        self.bytes[..len].to_vec()
    }

    /// The file with other bytes at one place.
    pub fn with_bytes(&self, at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut out = self.bytes.clone();
        out[at..at + bytes.len()].copy_from_slice(bytes);
        out
    }

    pub fn with_u4(&self, at: usize, value: u32) -> Vec<u8> {
        self.with_bytes(at, &value.to_be_bytes())
    }

    /// The file with bytes inserted.
    pub fn with_insert(&self, at: usize, bytes: &[u8]) -> Vec<u8> {
        [&self.bytes[..at], bytes, &self.bytes[at..]].concat()
    }

    /// The file with bytes removed.
    pub fn without(&self, range: Range<usize>) -> Vec<u8> {
        [&self.bytes[..range.start], &self.bytes[range.end..]].concat()
    }
}

// ---------------------------------------------------------------------------------------------------------------
// A heap

/// How the modelled JVM lays objects out.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub ids: IdSize,
    pub header: u64,
    pub reference: u64,
    /// Where array elements begin, for elements narrower than eight bytes and for the others.
    pub array_base: [u64; 2],
    /// Where the first object is.
    pub base: u64,
}

impl Shape {
    /// JDK 17, 64 bits, compressed oops and class pointers: the default of any heap below 32 GB.
    pub const COMPRESSED: Shape = Shape {
        ids: IdSize::Eight,
        header: 12,
        reference: 4,
        array_base: [16, 16],
        base: 0xE000_0000,
    };

    /// JDK 17, 64 bits, `-XX:-UseCompressedOops`; class pointers stay compressed.
    pub const WIDE: Shape = Shape {
        ids: IdSize::Eight,
        header: 12,
        reference: 8,
        array_base: [16, 16],
        base: 0x7F30_E000_0000,
    };

    /// A 32-bit JVM.
    pub const NARROW: Shape = Shape {
        ids: IdSize::Four,
        header: 8,
        reference: 4,
        array_base: [12, 16],
        base: 0xA000_0000,
    };

    fn array_size(&self, width: u64, length: u64) -> u64 {
        align(self.array_base[usize::from(width == 8)] + width * length, 8)
    }
}

fn align(value: u64, to: u64) -> u64 {
    value.div_ceil(to) * to
}

/// The bytes of an object taken so far: its end, and the holes that alignment left.
#[derive(Clone, Debug, Default)]
struct Space {
    end: u64,
    holes: Vec<Range<u64>>,
}

impl Space {
    /// Takes the smallest hole that one field fits into, else goes to the end.
    fn place(&mut self, width: u64) {
        let fits = |hole: &Range<u64>| align(hole.start, width) + width <= hole.end;
        let best = (0..self.holes.len())
            .filter(|&i| fits(&self.holes[i]))
            .min_by_key(|&i| self.holes[i].end - self.holes[i].start);
        if let Some(i) = best {
            let hole = self.holes.remove(i);
            let start = align(hole.start, width);
            self.holes.extend([hole.start..start, start + width..hole.end]);
        } else {
            let start = align(self.end, width);
            self.holes.push(self.end..start);
            self.end = start + width;
        }
        self.holes.retain(|hole| !hole.is_empty());
    }

    /// Long fields first, then shorter ones, references last.
    fn place_all(&mut self, primitives: &[u64], references: usize, reference: u64) {
        for width in [8, 4, 2, 1] {
            for _ in primitives.iter().filter(|&&w| w == width) {
                self.place(width);
            }
        }
        for _ in 0..references {
            self.place(reference);
        }
    }
}

/// A class of the model. Its id is the address of its java.lang.Class object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    index: usize,
    pub id: u64,
}

#[derive(Clone, Debug)]
struct ClassModel {
    id: u64,
    name: Vec<u8>,
    row: Arc<str>,
    super_class: Option<Class>,
    loader: u64,
    domain: u64,
    serial: u32,
    constants: Vec<(u16, Value)>,
    statics: Vec<(String, Value)>,
    fields: Vec<(String, Type)>,
    space: Space,
    size: u64,
    mirror_size: u64,
}

#[derive(Clone, Debug)]
enum Content {
    Instance(Class, Vec<u8>),
    ObjectArray(Class, Vec<u64>),
    PrimitiveArray(Type, Vec<u8>),
}

#[derive(Clone, Debug)]
struct Object {
    id: u64,
    size: u64,
    content: Content,
}

#[derive(Clone, Copy, Debug)]
enum Root {
    JniGlobal(u64),
    JniLocal(u64, u32),
    JavaFrame(u64, u32, u32),
    Sticky(u64),
    Monitor(u64),
    Thread(u64, u32, u32),
}

/// The wanted row of a histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub instances: u64,
    pub shallow_bytes: u64,
}

/// A class that is being described; see [`Jvm::class`].
#[must_use]
pub struct ClassBuilder<'j> {
    jvm: &'j mut Jvm,
    name: Vec<u8>,
    super_class: Option<Class>,
    loader: u64,
    domain: u64,
    constants: Vec<(u16, Value)>,
    statics: Vec<(String, Value)>,
    fields: Vec<(String, Type)>,
    injected: Vec<u64>,
}

impl ClassBuilder<'_> {
    pub fn extends(mut self, super_class: Class) -> Self {
        self.super_class = Some(super_class);
        self
    }

    pub fn loaded_by(mut self, loader: u64) -> Self {
        self.loader = loader;
        self
    }

    pub fn in_domain(mut self, domain: u64) -> Self {
        self.domain = domain;
        self
    }

    pub fn field(mut self, name: &str, kind: Type) -> Self {
        self.fields.push((name.to_owned(), kind));
        self
    }

    pub fn constant(mut self, index: u16, value: Value) -> Self {
        self.constants.push((index, value));
        self
    }

    /// A static field. Names that start with `<` are the JVM's own and take no space.
    pub fn static_field(mut self, name: &str, value: Value) -> Self {
        self.statics.push((name.to_owned(), value));
        self
    }

    /// Primitive fields that the JVM adds and that no dump shows.
    pub fn injected(mut self, widths: &[u64]) -> Self {
        self.injected.extend_from_slice(widths);
        self
    }

    /// Makes the class; [`Jvm::known`] finds it by name from now on (the last of several with one name).
    pub fn define(self) -> Class {
        let shape = self.jvm.shape;
        let mut space = match self.super_class {
            Some(class) => self.jvm.classes[class.index].space.clone(),
            None => Space { end: shape.header, holes: Vec::new() },
        };
        let is_reference = |kind: Type| kind == Type::Object;
        let mut primitives = self.injected;
        primitives
            .extend(self.fields.iter().filter(|f| !is_reference(f.1)).map(|f| f.1.width(0) as u64));
        let references = self.fields.iter().filter(|f| is_reference(f.1)).count();
        space.place_all(&primitives, references, shape.reference);

        let statics: Vec<Type> = self
            .statics
            .iter()
            .filter(|(name, _)| !name.starts_with('<'))
            .map(|(_, value)| value.kind())
            .collect();
        let mirror_size = self.jvm.mirror_size(&statics);
        let id = self.jvm.take(mirror_size);
        let index = self.jvm.classes.len();
        self.jvm.classes.push(ClassModel {
            id,
            row: source_name(&String::from_utf8_lossy(&self.name)).into(),
            name: self.name,
            super_class: self.super_class,
            loader: self.loader,
            domain: self.domain,
            serial: index as u32 + 1,
            constants: self.constants,
            statics: self.statics,
            fields: self.fields,
            size: align(space.end, 8),
            space,
            mirror_size,
        });
        let class = Class { index, id };
        let name = String::from_utf8_lossy(&self.jvm.classes[index].name).into_owned();
        self.jvm.by_name.insert(name, class);
        class
    }
}

/// A small heap, objects in ascending addresses without gaps.
#[derive(Clone, Debug)]
pub struct Jvm {
    pub shape: Shape,
    next: u64,
    classes: Vec<ClassModel>,
    objects: Vec<Object>,
    roots: Vec<Root>,
    /// `(method, signature, source, class serial, line)`
    frames: Vec<([String; 3], u32, i32)>,
    /// Frame indices of each thread.
    threads: Vec<Range<usize>>,
    by_name: HashMap<String, Class>,
}

impl Jvm {
    /// Only what every JVM has: Object, Class, String, byte[], and the version that the JVM says it is.
    pub fn bare(shape: Shape, version: &str) -> Self {
        let mut jvm = Jvm {
            shape,
            next: shape.base,
            classes: Vec::new(),
            objects: Vec::new(),
            roots: Vec::new(),
            frames: Vec::new(),
            threads: Vec::new(),
            by_name: HashMap::new(),
        };
        jvm.class("java/lang/Object").define();
        let mut class = jvm.class("java/lang/Class");
        for name in CLASS_REFERENCES {
            class = class.field(name, Type::Object);
        }
        class.field("classRedefinedCount", Type::Int).injected(CLASS_INJECTED).define();
        jvm.class("java/lang/String")
            .field("value", Type::Object)
            .field("hash", Type::Int)
            .field("coder", Type::Byte)
            .field("hashIsZero", Type::Boolean)
            .injected(&[1])
            .define();
        jvm.array_class("[B");
        let version = jvm.string(version);
        jvm.class("java/lang/VersionProps")
            .static_field("java_version", Value::Ref(version))
            .define();
        jvm
    }

    /// JDK 17 with compressed oops, and nothing but what [`Jvm::bare`] has.
    pub fn small() -> Self {
        Self::bare(Shape::COMPRESSED, "17.0.15")
    }

    /// A small but plausible JDK 17 heap: system properties, threads with frames, classes of every kind of field,
    /// arrays of every type and of many lengths, loaders, roots.
    pub fn plausible(shape: Shape) -> Self {
        Self::plausible_running(shape, "17.0.15", "com.example.Main --port 8080")
    }

    /// [`Jvm::plausible`] with another version and main class.
    pub fn plausible_running(shape: Shape, version: &str, command: &str) -> Self {
        let mut jvm = Jvm::bare(shape, version);
        jvm.class("java/util/ImmutableCollections")
            .static_field("EMPTY", Value::Ref(0))
            .static_field("SALT32L", Value::Long(0x5EED_CAFE))
            .static_field("REVERSE", Value::Boolean(true))
            .define();
        for element in Type::PRIMITIVE {
            jvm.array_class(element.array_class_name());
        }
        jvm.array_class("[Ljava/lang/Object;");
        jvm.array_class("[Ljava/lang/String;");
        jvm.array_class("[[I");
        jvm.primitive_mirrors();
        jvm.system_properties(&[
            ("java.version", version),
            ("java.vm.name", "OpenJDK 64-Bit Server VM"),
            ("java.vm.vendor", "Eclipse Adoptium"),
            ("sun.java.command", command),
            ("os.name", "Linux"),
        ]);
        if shape.reference == 4 && shape.header == 12 {
            jvm.system_properties(&[("java.vm.compressedOopsMode", "32-bit")]);
        }

        let loader_class = jvm
            .class("java/lang/ClassLoader")
            .field("parent", Type::Object)
            .field("name", Type::Object)
            .injected(if shape.ids == IdSize::Eight { &[8] } else { &[4] })
            .define();
        let app_class = jvm
            .class("jdk/internal/loader/ClassLoaders$AppClassLoader")
            .extends(loader_class)
            .define();
        let app_name = jvm.string("app");
        let app = jvm.instance(app_class, &[Value::Ref(0), Value::Ref(app_name)]);

        let main = jvm.class("com/example/Main").loaded_by(app).define();
        jvm.thread("main", &[("main", "([Ljava/lang/String;)V", "Main.java", main, 42)]);
        jvm.thread(
            "worker-1",
            &[("run", "()V", "Main.java", main, 7), ("loop", "()V", "Main.java", main, -3)],
        );

        let all = all_types_fields(jvm.class("com/example/AllTypes").loaded_by(app))
            .static_field("S_REF", Value::Ref(app_name))
            .static_field("S_BOOLEAN", Value::Boolean(true))
            .static_field("S_CHAR", Value::Char(0x263A))
            .static_field("S_FLOAT", Value::Float(1.5))
            .static_field("S_DOUBLE", Value::Double(2.5))
            .static_field("S_BYTE", Value::Byte(-1))
            .static_field("S_SHORT", Value::Short(-2))
            .static_field("S_INT", Value::Int(-3))
            .static_field("S_LONG", Value::Long(-4))
            .define();
        for i in 0..20 {
            jvm.instance(all, &all_types_values(i));
        }

        let node = jvm
            .class("com/example/Node")
            .loaded_by(app)
            .field("next", Type::Object)
            .field("value", Type::Int)
            .static_field("head", Value::Ref(0))
            .define();
        let mut head = 0;
        for i in 0..200 {
            head = jvm.instance(node, &[Value::Ref(head), Value::Int(i)]);
        }
        jvm.set_static(node, "head", Value::Ref(head));

        for (i, element) in Type::PRIMITIVE.into_iter().enumerate() {
            for length in 0..24 {
                jvm.primitive_array(element, (length * (i + 1)) % 41);
            }
        }
        let objects = jvm.known("[Ljava/lang/Object;");
        let strings = jvm.known("[Ljava/lang/String;");
        let int_arrays = jvm.known("[[I");
        for length in 0..30_u64 {
            jvm.object_array(objects, &vec![head; length as usize]);
            let text = jvm.string(&format!("text number {length}"));
            jvm.object_array(strings, &vec![text; length as usize % 7]);
        }
        let inner = jvm.primitive_array(Type::Int, 3);
        let outer = jvm.object_array(int_arrays, &[inner, 0, inner]);

        let object = jvm.known("java/lang/Object");
        let lock = jvm.instance(object, &[]);
        let sticky: Vec<u64> = ["java/lang/Object", "java/lang/Class", "java/lang/String"]
            .map(|name| jvm.known(name).id)
            .to_vec();
        jvm.roots.extend(sticky.into_iter().map(Root::Sticky));
        jvm.roots.push(Root::JniGlobal(outer));
        jvm.roots.push(Root::JniLocal(lock, 1));
        jvm.roots.push(Root::Monitor(lock));
        jvm.roots.push(Root::JavaFrame(head, 1, 0));
        jvm.roots.push(Root::JavaFrame(outer, 2, 1));
        jvm
    }

    /// A compressed-oops heap as [`Jvm::plausible`] makes it.
    pub fn default_heap() -> Self {
        Self::plausible(Shape::COMPRESSED)
    }

    fn take(&mut self, size: u64) -> u64 {
        let id = self.next;
        self.next += size;
        id
    }

    /// An address behind all objects, which the next one will get.
    pub fn next_address(&self) -> u64 {
        self.next
    }

    /// Leaves a hole, as garbage between two objects would.
    pub fn skip_addresses(&mut self, bytes: u64) {
        self.next += bytes;
    }

    /// The size of a java.lang.Class object whose class has these static fields.
    fn mirror_size(&self, statics: &[Type]) -> u64 {
        let shape = self.shape;
        let mut space = Space { end: shape.header, holes: Vec::new() };
        let mut primitives = CLASS_INJECTED.to_vec();
        if shape.ids == IdSize::Four {
            // The injected pointers are as wide as the machine.
            primitives.iter_mut().for_each(|width| *width = 4);
        }
        primitives.push(4);
        space.place_all(
            &primitives,
            CLASS_REFERENCES.len() + CLASS_INJECTED_REFERENCES,
            shape.reference,
        );
        let own = align(space.end, 8);
        let references = statics.iter().filter(|&&kind| kind == Type::Object).count() as u64;
        let mut end = own + references * shape.reference;
        for width in [8, 4, 2, 1] {
            let count = statics
                .iter()
                .filter(|kind| **kind != Type::Object && kind.width(0) == width)
                .count();
            if count > 0 {
                end = align(end, width as u64) + (width * count) as u64;
            }
        }
        align(end, 8)
    }

    /// Begins a class. Without `extends` it is a direct subclass of Object, loaded by the boot loader.
    pub fn class(&mut self, name: &str) -> ClassBuilder<'_> {
        self.class_with_raw_name(&modified_utf8(name))
    }

    /// Begins a class whose name is any bytes.
    pub fn class_with_raw_name(&mut self, name: &[u8]) -> ClassBuilder<'_> {
        let super_class = self.by_name.get("java/lang/Object").copied();
        ClassBuilder {
            jvm: self,
            name: name.to_vec(),
            super_class,
            loader: 0,
            domain: 0,
            constants: Vec::new(),
            statics: Vec::new(),
            fields: Vec::new(),
            injected: Vec::new(),
        }
    }

    /// A class that has been defined.
    pub fn known(&self, name: &str) -> Class {
        self.by_name[name]
    }

    /// The array class of this name (`[I`, `[Ljava/lang/String;`), made when it is not there yet.
    pub fn array_class(&mut self, name: &str) -> Class {
        if let Some(&class) = self.by_name.get(name) {
            return class;
        }
        self.class(name).define()
    }

    fn thread_class(&mut self) -> Class {
        if let Some(&class) = self.by_name.get("java/lang/Thread") {
            return class;
        }
        self.class("java/lang/Thread")
            .field("name", Type::Object)
            .field("priority", Type::Int)
            .field("daemon", Type::Boolean)
            .field("tid", Type::Long)
            .field("group", Type::Object)
            .define()
    }

    /// A thread with a stack of `(method, signature, source file, class, line)`, top frame first. Returns its serial.
    pub fn thread(&mut self, name: &str, stack: &[(&str, &str, &str, Class, i32)]) -> u32 {
        let class = self.thread_class();
        let name = self.string(name);
        let serial = self.threads.len() as u32 + 1;
        let id = self.instance(
            class,
            &[
                Value::Ref(name),
                Value::Int(5),
                Value::Boolean(false),
                Value::Long(i64::from(serial)),
                Value::Ref(0),
            ],
        );
        self.started(id, stack)
    }

    /// Makes an object a thread that runs, with a stack as [`Jvm::thread`] takes it. Returns its serial.
    pub fn started(&mut self, thread: u64, stack: &[(&str, &str, &str, Class, i32)]) -> u32 {
        let serial = self.threads.len() as u32 + 1;
        let first = self.frames.len();
        for &(method, signature, source, class, line) in stack {
            let names = [method, signature, source].map(str::to_owned);
            self.frames.push((names, self.classes[class.index].serial, line));
        }
        self.threads.push(first..self.frames.len());
        self.roots.push(Root::Thread(thread, serial, serial + 1));
        serial
    }

    pub fn root_java_frame(&mut self, object: u64, thread: u32, frame: u32) {
        self.roots.push(Root::JavaFrame(object, thread, frame));
    }

    pub fn root_jni_global(&mut self, object: u64) {
        self.roots.push(Root::JniGlobal(object));
    }

    /// An instance; the values are those of the own fields, then of the superclass's, and so on.
    pub fn instance(&mut self, class: Class, values: &[Value]) -> u64 {
        let kinds: Vec<Type> = values.iter().map(|v| v.kind()).collect();
        assert_eq!(kinds, self.field_types(class), "values do not match the fields");
        let mut bytes = Vec::new();
        for value in values {
            value.put(self.shape.ids, &mut bytes);
        }
        self.instance_of_bytes(class, bytes)
    }

    /// An instance whose field values are all zero.
    pub fn blank(&mut self, class: Class) -> u64 {
        let values: Vec<Value> = self.field_types(class).into_iter().map(Value::zero).collect();
        self.instance(class, &values)
    }

    /// An instance whose values are these bytes, fitting or not.
    pub fn instance_of_bytes(&mut self, class: Class, bytes: Vec<u8>) -> u64 {
        let size = self.classes[class.index].size;
        self.add(size, Content::Instance(class, bytes))
    }

    pub fn object_array(&mut self, class: Class, elements: &[u64]) -> u64 {
        let size = self.shape.array_size(self.shape.reference, elements.len() as u64);
        self.add(size, Content::ObjectArray(class, elements.to_vec()))
    }

    /// A primitive array of zeros.
    pub fn primitive_array(&mut self, element: Type, length: usize) -> u64 {
        self.primitive_array_of(element, vec![0; length * element.width(0)])
    }

    /// A primitive array whose elements are these bytes.
    pub fn primitive_array_of(&mut self, element: Type, data: Vec<u8>) -> u64 {
        self.array_class(element.array_class_name());
        let width = element.width(0);
        let size = self.shape.array_size(width as u64, (data.len() / width) as u64);
        self.add(size, Content::PrimitiveArray(element, data))
    }

    /// A Latin-1 string: a String and its byte[].
    pub fn string(&mut self, text: &str) -> u64 {
        let value = self.primitive_array_of(Type::Byte, text.bytes().collect());
        let string = self.known("java/lang/String");
        self.instance(
            string,
            &[Value::Ref(value), Value::Int(0), Value::Byte(0), Value::Boolean(false)],
        )
    }

    /// The nine java.lang.Class objects of `int`, `void` and so on: the only ones that are instances in a dump.
    pub fn primitive_mirrors(&mut self) {
        let class = self.known("java/lang/Class");
        let size = self.mirror_size(&[]);
        let bytes = vec![0; CLASS_REFERENCES.len() * self.shape.ids.bytes() + 4];
        for _ in 0..9 {
            self.add(size, Content::Instance(class, bytes.clone()));
        }
    }

    fn add(&mut self, size: u64, content: Content) -> u64 {
        let id = self.take(size);
        self.objects.push(Object { id, size, content });
        id
    }

    pub fn set_static(&mut self, class: Class, name: &str, value: Value) {
        let statics = &mut self.classes[class.index].statics;
        let slot = statics.iter_mut().find(|(n, _)| n == name).expect("no such static");
        assert_eq!(slot.1.kind(), value.kind(), "a static keeps its type");
        slot.1 = value;
    }

    /// `System.props` -> Properties -> ConcurrentHashMap -> Node[] -> Node, as in JDK 9 and later.
    pub fn system_properties(&mut self, properties: &[(&str, &str)]) {
        let node = match self.by_name.get("java/util/concurrent/ConcurrentHashMap$Node") {
            Some(&class) => class,
            None => self
                .class("java/util/concurrent/ConcurrentHashMap$Node")
                .field("hash", Type::Int)
                .field("key", Type::Object)
                .field("val", Type::Object)
                .field("next", Type::Object)
                .define(),
        };
        let table = self.array_class("[Ljava/util/concurrent/ConcurrentHashMap$Node;");
        let map = match self.by_name.get("java/util/concurrent/ConcurrentHashMap") {
            Some(&class) => class,
            None => self
                .class("java/util/concurrent/ConcurrentHashMap")
                .field("table", Type::Object)
                .field("nextTable", Type::Object)
                .field("baseCount", Type::Long)
                .field("sizeCtl", Type::Int)
                .define(),
        };
        let holder = match self.by_name.get("java/util/Properties") {
            Some(&class) => class,
            None => self.class("java/util/Properties").field("map", Type::Object).define(),
        };
        let system = match self.by_name.get("java/lang/System") {
            Some(&class) => class,
            None => self.class("java/lang/System").static_field("props", Value::Ref(0)).define(),
        };
        let mut slots = Vec::new();
        for (key, value) in properties {
            let (key, value) = (self.string(key), self.string(value));
            let entry =
                [Value::Int(slots.len() as i32), Value::Ref(key), Value::Ref(value), Value::Ref(0)];
            slots.push(self.instance(node, &entry));
        }
        slots.resize(slots.len().next_power_of_two(), 0);
        let slots = self.object_array(table, &slots);
        let count = Value::Long(properties.len() as i64);
        let map = self.instance(map, &[Value::Ref(slots), Value::Ref(0), count, Value::Int(12)]);
        let holder = self.instance(holder, &[Value::Ref(map)]);
        self.set_static(system, "props", Value::Ref(holder));
    }

    /// The types of an instance's values: own fields, then the superclass's, and so on.
    fn field_types(&self, class: Class) -> Vec<Type> {
        let mut types = Vec::new();
        let mut at = Some(class);
        while let Some(class) = at {
            let model = &self.classes[class.index];
            types.extend(model.fields.iter().map(|f| f.1));
            at = model.super_class;
        }
        types
    }

    /// The address and size of everything, in ascending order.
    pub fn sizes(&self) -> Vec<(u64, u64)> {
        let mut all: Vec<(u64, u64)> = self.objects.iter().map(|o| (o.id, o.size)).collect();
        all.extend(self.classes.iter().map(|c| (c.id, c.mirror_size)));
        all.sort_unstable();
        all
    }

    /// What `jmap -histo` would print, in source names.
    pub fn histogram(&self) -> BTreeMap<String, Count> {
        let mut rows: BTreeMap<String, Count> = BTreeMap::new();
        let mut add = |name: &str, size: u64| {
            let row = rows.entry(name.to_owned()).or_default();
            row.instances += 1;
            row.shallow_bytes += size;
        };
        for class in &self.classes {
            add("java.lang.Class", class.mirror_size);
        }
        for object in &self.objects {
            add(&self.row_of(object), object.size);
        }
        rows
    }

    fn row_of(&self, object: &Object) -> Arc<str> {
        match &object.content {
            Content::Instance(class, _) | Content::ObjectArray(class, _) => {
                self.classes[class.index].row.clone()
            }
            Content::PrimitiveArray(element, _) => source_name(element.array_class_name()).into(),
        }
    }

    pub fn object_count(&self) -> u64 {
        (self.objects.len() + self.classes.len()) as u64
    }

    pub fn root_count(&self) -> u64 {
        self.roots.len() as u64
    }

    /// The id of a symbol: small and dense, so that a test can guess one that is not taken.
    fn symbols(&self) -> (Vec<Vec<u8>>, HashMap<Vec<u8>, u64>) {
        let mut order = Vec::new();
        let mut ids = HashMap::new();
        let base = match self.shape.ids {
            IdSize::Four => 0x0810_0000,
            IdSize::Eight => 0x7F54_0000_0000,
        };
        let mut intern = |text: &[u8]| {
            if !ids.contains_key(text) {
                ids.insert(text.to_vec(), base + 16 * order.len() as u64);
                order.push(text.to_vec());
            }
        };
        for class in &self.classes {
            intern(&class.name);
            class.statics.iter().for_each(|s| intern(s.0.as_bytes()));
            class.fields.iter().for_each(|f| intern(f.0.as_bytes()));
        }
        for (names, _, _) in &self.frames {
            names.iter().for_each(|n| intern(n.as_bytes()));
        }
        (order, ids)
    }

    /// Writes what precedes the dump: UTF8, LOAD_CLASS, FRAME and TRACE records.
    pub fn write_symbols(&self, file: &mut Hprof) {
        let (order, symbols) = self.symbols();
        for text in &order {
            file.utf8(symbols[text], text);
        }
        for class in &self.classes {
            file.load_class(class.serial, class.id, symbols[&class.name]);
        }
        for (i, (names, class_serial, line)) in self.frames.iter().enumerate() {
            let names = names.each_ref().map(|n| symbols[n.as_bytes()]);
            file.frame(i as u64 + 1, names, *class_serial, *line);
        }
        file.trace(1, 0, &[]);
        for (i, frames) in self.threads.iter().enumerate() {
            let frames: Vec<u64> = frames.clone().map(|f| f as u64 + 1).collect();
            file.trace(i as u32 + 2, i as u32 + 1, &frames);
        }
    }

    /// The CLASS_DUMP of a class, for a test that writes it by hand.
    pub fn class_dump(&self, class: Class) -> ClassDump {
        let (_, symbols) = self.symbols();
        self.class_dump_with(&self.classes[class.index], &symbols)
    }

    fn class_dump_with(&self, model: &ClassModel, symbols: &HashMap<Vec<u8>, u64>) -> ClassDump {
        let is_array = model.name.first() == Some(&b'[');
        let mut instance_size = 0;
        let mut at = Some(model);
        while let Some(class) = at.filter(|_| !is_array) {
            let widths = class.fields.iter().map(|f| f.1.width(self.shape.ids.bytes()));
            instance_size += widths.sum::<usize>() as u32;
            at = class.super_class.map(|s| &self.classes[s.index]);
        }
        ClassDump {
            id: model.id,
            trace: 1,
            super_id: model.super_class.map_or(0, |s| s.id),
            loader: model.loader,
            signers: 0,
            domain: model.domain,
            instance_size,
            constants: model.constants.clone(),
            statics: model.statics.iter().map(|(n, v)| (symbols[n.as_bytes()], *v)).collect(),
            fields: model.fields.iter().map(|(n, k)| (symbols[n.as_bytes()], *k)).collect(),
        }
    }

    pub fn class_subs(&self) -> Subs {
        let (_, symbols) = self.symbols();
        let mut subs = Subs::new(self.shape.ids);
        let row: Arc<str> = "java.lang.Class".into();
        for class in &self.classes {
            subs.class_dump(&self.class_dump_with(class, &symbols)).in_row(&row);
        }
        subs
    }

    pub fn object_subs(&self) -> Subs {
        let mut subs = Subs::new(self.shape.ids);
        let mut rows: HashMap<Arc<str>, Arc<str>> = HashMap::new();
        for object in &self.objects {
            match &object.content {
                Content::Instance(class, bytes) => subs.instance(object.id, class.id, bytes),
                Content::ObjectArray(class, elements) => {
                    subs.object_array(object.id, class.id, elements)
                }
                Content::PrimitiveArray(element, data) => {
                    subs.primitive_array(object.id, *element, data)
                }
            };
            let row = self.row_of(object);
            let row = rows.entry(row.clone()).or_insert(row);
            subs.in_row(row);
        }
        subs
    }

    pub fn root_subs(&self) -> Subs {
        let mut subs = Subs::new(self.shape.ids);
        for root in &self.roots {
            match *root {
                Root::JniGlobal(id) => subs.root_jni_global(id, 0x1000),
                Root::JniLocal(id, thread) => subs.root_jni_local(id, thread, u32::MAX),
                Root::JavaFrame(id, thread, frame) => subs.root_java_frame(id, thread, frame),
                Root::Sticky(id) => subs.root_sticky_class(id),
                Root::Monitor(id) => subs.root_monitor_used(id),
                Root::Thread(id, thread, trace) => subs.root_thread_object(id, thread, trace),
            };
        }
        subs
    }

    /// Classes, objects, roots: the order of JDK 11 and 17.
    pub fn all_subs(&self) -> Subs {
        let mut subs = self.class_subs();
        subs.append(&self.object_subs());
        subs.append(&self.root_subs());
        subs
    }

    /// A file as JDK 17 writes it, except for what the test sets.
    pub fn file(&self) -> FileBuilder<'_> {
        FileBuilder {
            jvm: self,
            version: Version::V102,
            framing: Framing::Segments(1 << 20),
            roots_first: false,
            time_ms: DEFAULT_TIME_MS,
        }
    }

    /// A file as JDK 17 writes it.
    pub fn write(&self) -> Hprof {
        self.file().write()
    }
}

/// How a [`Jvm`] is written; see [`Jvm::file`].
#[must_use]
pub struct FileBuilder<'j> {
    jvm: &'j Jvm,
    version: Version,
    framing: Framing,
    roots_first: bool,
    time_ms: u64,
}

impl FileBuilder<'_> {
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Classes, roots, objects: the order of JDK 21 and later.
    pub fn roots_first(mut self) -> Self {
        self.roots_first = true;
        self
    }

    pub fn time_ms(mut self, time_ms: u64) -> Self {
        self.time_ms = time_ms;
        self
    }

    pub fn write(self) -> Hprof {
        let mut file = Hprof::at(self.version, self.jvm.shape.ids, self.time_ms);
        self.jvm.write_symbols(&mut file);
        let mut subs = self.jvm.class_subs();
        if self.roots_first {
            subs.append(&self.jvm.root_subs());
            subs.append(&self.jvm.object_subs());
        } else {
            subs = self.jvm.all_subs();
        }
        file.dump(&subs, self.framing);
        file
    }
}

/// The reference fields of java.lang.Class in JDK 17.
const CLASS_REFERENCES: [&str; 14] = [
    "cachedConstructor",
    "name",
    "module",
    "classLoader",
    "componentType",
    "packageName",
    "classData",
    "reflectionData",
    "genericInfo",
    "enumConstants",
    "enumConstantDirectory",
    "annotationData",
    "annotationType",
    "classValueMap",
];

/// What the JVM adds to java.lang.Class: two pointers and two ints, and three references.
const CLASS_INJECTED: &[u64] = &[8, 8, 4, 4];
const CLASS_INJECTED_REFERENCES: usize = 3;

/// One field of each type, in an order that leaves holes.
pub fn all_types_fields(class: ClassBuilder<'_>) -> ClassBuilder<'_> {
    class
        .field("aByte", Type::Byte)
        .field("aRef", Type::Object)
        .field("aLong", Type::Long)
        .field("aShort", Type::Short)
        .field("aDouble", Type::Double)
        .field("aChar", Type::Char)
        .field("anInt", Type::Int)
        .field("aBoolean", Type::Boolean)
        .field("aFloat", Type::Float)
}

/// Values for [`all_types_fields`].
pub fn all_types_values(seed: i32) -> Vec<Value> {
    vec![
        Value::Byte(seed as i8),
        Value::Ref(0),
        Value::Long(i64::from(seed) << 33),
        Value::Short(seed as i16),
        Value::Double(f64::from(seed)),
        Value::Char(seed as u16),
        Value::Int(seed),
        Value::Boolean(seed % 2 == 0),
        Value::Float(seed as f32),
    ]
}
