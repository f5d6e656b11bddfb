//! Every tag and type code of the hprof format, each value in this one place.
//!
//! Source: the hprof writers of HotSpot (`heapDumper.cpp`), the JVMTI hprof agent and ART (`hprof.cc`).

/// Tags of top-level records.
pub mod top {
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

    /// True for the tags that the format defines.
    pub const fn is_known(tag: u8) -> bool {
        matches!(
            tag,
            UTF8 | LOAD_CLASS
                | UNLOAD_CLASS
                | FRAME
                | TRACE
                | ALLOC_SITES
                | HEAP_SUMMARY
                | START_THREAD
                | END_THREAD
                | HEAP_DUMP
                | CPU_SAMPLES
                | CONTROL_SETTINGS
                | HEAP_DUMP_SEGMENT
                | HEAP_DUMP_END
        )
    }

    /// Name of a top-level record for messages and tables.
    pub const fn name(tag: u8) -> &'static str {
        match tag {
            UTF8 => "UTF8",
            LOAD_CLASS => "LOAD_CLASS",
            UNLOAD_CLASS => "UNLOAD_CLASS",
            FRAME => "FRAME",
            TRACE => "TRACE",
            ALLOC_SITES => "ALLOC_SITES",
            HEAP_SUMMARY => "HEAP_SUMMARY",
            START_THREAD => "START_THREAD",
            END_THREAD => "END_THREAD",
            HEAP_DUMP => "HEAP_DUMP",
            CPU_SAMPLES => "CPU_SAMPLES",
            CONTROL_SETTINGS => "CONTROL_SETTINGS",
            HEAP_DUMP_SEGMENT => "HEAP_DUMP_SEGMENT",
            HEAP_DUMP_END => "HEAP_DUMP_END",
            _ => "unknown",
        }
    }
}

/// Tags of the sub-records inside a heap dump (segment).
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
    /// Android: the following are written by Dalvik and ART only.
    pub const ROOT_INTERNED_STRING: u8 = 0x89;
    pub const ROOT_FINALIZING: u8 = 0x8A;
    pub const ROOT_DEBUGGER: u8 = 0x8B;
    pub const ROOT_REFERENCE_CLEANUP: u8 = 0x8C;
    pub const ROOT_VM_INTERNAL: u8 = 0x8D;
    pub const ROOT_JNI_MONITOR: u8 = 0x8E;
    pub const ROOT_UNREACHABLE: u8 = 0x90;
    pub const PRIMITIVE_ARRAY_NODATA: u8 = 0xC3;
    pub const HEAP_DUMP_INFO: u8 = 0xFE;

    /// Bytes after the object id of a root sub-record, in ids and in plain bytes;
    /// `None` for tags that are not roots.
    pub const fn root_tail(tag: u8) -> Option<(usize, usize)> {
        match tag {
            ROOT_UNKNOWN
            | ROOT_STICKY_CLASS
            | ROOT_MONITOR_USED
            | ROOT_INTERNED_STRING
            | ROOT_FINALIZING
            | ROOT_DEBUGGER
            | ROOT_REFERENCE_CLEANUP
            | ROOT_VM_INTERNAL
            | ROOT_UNREACHABLE => Some((0, 0)),
            ROOT_JNI_GLOBAL => Some((1, 0)),
            ROOT_NATIVE_STACK | ROOT_THREAD_BLOCK => Some((0, 4)),
            ROOT_JNI_LOCAL | ROOT_JAVA_FRAME | ROOT_THREAD_OBJECT | ROOT_JNI_MONITOR => {
                Some((0, 8))
            }
            _ => None,
        }
    }

    /// Name of a heap sub-record for messages and tables.
    pub const fn name(tag: u8) -> &'static str {
        match tag {
            ROOT_UNKNOWN => "unknown",
            ROOT_JNI_GLOBAL => "JNI global",
            ROOT_JNI_LOCAL => "JNI local",
            ROOT_JAVA_FRAME => "Java frame",
            ROOT_NATIVE_STACK => "native stack",
            ROOT_STICKY_CLASS => "sticky class",
            ROOT_THREAD_BLOCK => "thread block",
            ROOT_MONITOR_USED => "monitor used",
            ROOT_THREAD_OBJECT => "thread object",
            CLASS_DUMP => "CLASS_DUMP",
            INSTANCE_DUMP => "INSTANCE_DUMP",
            OBJECT_ARRAY_DUMP => "OBJ_ARRAY_DUMP",
            PRIMITIVE_ARRAY_DUMP => "PRIM_ARRAY_DUMP",
            ROOT_INTERNED_STRING => "interned string",
            ROOT_FINALIZING => "finalizing",
            ROOT_DEBUGGER => "debugger",
            ROOT_REFERENCE_CLEANUP => "reference cleanup",
            ROOT_VM_INTERNAL => "VM internal",
            ROOT_JNI_MONITOR => "JNI monitor",
            ROOT_UNREACHABLE => "unreachable",
            PRIMITIVE_ARRAY_NODATA => "PRIM_ARRAY_NODATA",
            HEAP_DUMP_INFO => "HEAP_DUMP_INFO",
            _ => "unknown sub-record",
        }
    }
}

/// Type of a field or of an array element, as coded in the dump.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum FieldType {
    /// Reference, to arrays too. (Code 1, "array object", is defined, but no writer uses it.)
    Object = 2,
    Boolean = 4,
    Char = 5,
    Float = 6,
    Double = 7,
    Byte = 8,
    Short = 9,
    Int = 10,
    Long = 11,
}

impl FieldType {
    /// Decodes a type code; `None` for codes that the format does not define.
    #[inline]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            2 => Self::Object,
            4 => Self::Boolean,
            5 => Self::Char,
            6 => Self::Float,
            7 => Self::Double,
            8 => Self::Byte,
            9 => Self::Short,
            10 => Self::Int,
            11 => Self::Long,
            _ => return None,
        })
    }

    /// Bytes of one value in the dump; references take `id_size` bytes there.
    #[inline]
    pub const fn dump_size(self, id_size: usize) -> usize {
        match self {
            Self::Object => id_size,
            Self::Boolean | Self::Byte => 1,
            Self::Char | Self::Short => 2,
            Self::Float | Self::Int => 4,
            Self::Double | Self::Long => 8,
        }
    }

    /// Name of the type in Java source.
    pub const fn java_name(self) -> &'static str {
        match self {
            Self::Object => "Object",
            Self::Boolean => "boolean",
            Self::Char => "char",
            Self::Float => "float",
            Self::Double => "double",
            Self::Byte => "byte",
            Self::Short => "short",
            Self::Int => "int",
            Self::Long => "long",
        }
    }

    /// Letter of the type in a JVM descriptor.
    pub const fn descriptor(self) -> u8 {
        match self {
            Self::Object => b'L',
            Self::Boolean => b'Z',
            Self::Char => b'C',
            Self::Float => b'F',
            Self::Double => b'D',
            Self::Byte => b'B',
            Self::Short => b'S',
            Self::Int => b'I',
            Self::Long => b'J',
        }
    }

    /// The primitive types, in code order.
    pub const PRIMITIVES: [Self; 8] = [
        Self::Boolean,
        Self::Char,
        Self::Float,
        Self::Double,
        Self::Byte,
        Self::Short,
        Self::Int,
        Self::Long,
    ];
}
