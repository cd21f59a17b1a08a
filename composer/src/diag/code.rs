//! The table of codes.

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is refused.
    Warning,
    /// The chain cannot be brought up.
    Error,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        /// The stable code of a diagnostic, written `FC0102`.
        ///
        /// The first two digits are the subject: 00 the chain file, 01 its graph, 02 objects, 03
        /// the combination of programs, 04 the environment, 05 the running chain, 06 the micro-VM,
        /// 07 programs that run already, 08 tests and what they are made of, 09 recipes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $name = $number,)+
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The text of its page: a code without one does not compile.
            pub(super) fn text(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!("pages/", stringify!($name), ".md")),)+
                }
            }
        }
    };
}

codes! {
    /// The chain file cannot be read.
    FileUnreadable = 1,
    /// The chain file is not TOML.
    Syntax = 2,
    /// A key that a chain file does not have.
    UnknownKey = 3,
    /// A value of the wrong type.
    WrongType = 4,
    /// A required key is missing.
    MissingKey = 5,
    /// A value that cannot be used.
    BadValue = 6,
    /// A chain without any host.
    NoHost = 7,
    /// A reference to a parameter that the chain does not have, or a value for one.
    UnknownParameter = 8,
    /// A parameter without a value.
    ParameterMissing = 9,
    /// A value that a parameter cannot have.
    ParameterValue = 10,

    /// Two nodes of one id.
    DuplicateId = 101,
    /// A reference to a node that is not there.
    UnknownNode = 102,
    /// A reference to a node of the wrong kind.
    WrongNodeKind = 103,
    /// Nodes that depend on each other in a circle.
    Cycle = 104,
    /// Files that include each other without end.
    IncludeCycle = 105,
    /// Included files that want different things of the whole chain.
    IncludeConflict = 106,

    /// An object file cannot be read.
    ObjectUnreadable = 201,
    /// A file that is no eBPF object.
    NotAnObject = 202,
    /// An object that is not whole.
    ObjectDamaged = 203,
    /// An object without BTF.
    NoObjectBtf = 204,
    /// A built-in object that is not there.
    UnknownBuiltin = 205,
    /// A program that its object does not have.
    UnknownProgram = 206,
    /// A program whose type does not fit its use in the chain.
    WrongProgramType = 207,
    /// A function that the object does not have.
    UnknownFunction = 208,
    /// A static function in the place of a stub.
    StaticStub = 209,
    /// A stub that the host does not call.
    StubNotCalled = 210,
    /// Maps of one name with different definitions.
    MapMismatch = 211,
    /// A map of the old form, which cannot be created.
    LegacyMap = 212,
    /// A map that no kernel makes as it is defined.
    MapAttributes = 213,
    /// A global variable, or a part of one, that the object does not have.
    UnknownGlobal = 214,
    /// A value that a global variable cannot have.
    GlobalValue = 215,
    /// A global variable that is set and not used.
    GlobalUnused = 216,
    /// A program with an undefined reference.
    Undefined = 220,
    /// A program that refers to a name that the kernel does not define.
    KernelLacksName = 221,

    /// A replacement whose prototype is not the stub's.
    PrototypeMismatch = 301,
    /// Two replacements for one function.
    ReplacedTwice = 302,
    /// A tracer on a function that is replaced.
    TracedAndReplaced = 303,
    /// A stub that returns something else than a scalar.
    StubResult = 304,
    /// More tracers on a function than a trampoline holds.
    TooManyTracers = 305,
    /// Two hosts at a hook that accepts one.
    HookTaken = 306,
    /// A tracer on a tracer.
    NestedTracing = 307,
    /// A replacement that changes packet data where the stub does not.
    ChangesPacketData = 308,
    /// A program's entry whose prototype the kernel does not trust, in the place of a stub.
    UntrustedEntry = 309,
    /// A helper that a program of its type may not call.
    HelperNotAvailable = 310,
    /// A helper kept for the GPL, called in an object that is not under it.
    LicenceNotGpl = 311,
    /// A function that is called with an invalid argument.
    ArgumentNotPassed = 312,
    /// A program that returns a value that its type does not allow.
    ResultRange = 313,
    /// A pointer argument that is used without a test for NULL, or beyond its size.
    NullNotTested = 314,
    /// A tracer that reads an argument it may not read, or that its target does not have.
    TracerDereference = 315,
    /// A part of the chain that a kernel does not support.
    KernelLacks = 316,
    /// A host at a place that the kernel does not have.
    UnknownTarget = 317,
    /// A host that reads more arguments than its raw tracepoint has.
    RawTracepointArguments = 318,
    /// A kernel that the chain is not meant for.
    KernelExcluded = 319,
    /// A tail call, or a table for tail calls, that the kernel refuses.
    TailCall = 321,
    /// A property that only the verifier can determine.
    UnknownUntilLoad = 322,
    /// A name in `capture` or `where` that is no argument or field.
    UnknownArgument = 323,
    /// A filter that cannot be.
    BadFilter = 324,
    /// A value that a built-in tracer cannot capture.
    CannotCapture = 325,
    /// A map that the node's object does not have.
    UnknownMap = 326,
    /// A map that carries no events, or that the composer reads itself.
    NotAnEventsMap = 327,
    /// A type that the node's object does not have.
    UnknownType = 328,
    /// A text of fields that is not right, or not right for its type.
    BadText = 329,
    /// A function that is never called because of a constant.
    ConstantOff = 330,
    /// An entry of a table for tail calls that cannot be.
    TailEntry = 331,
    /// A tracer on a program that is entered by tail calls only.
    PassedByTailCall = 332,
    /// A pinned map that is another than the chain's.
    PinnedMapDiffers = 333,
    /// A map that cannot be pinned.
    CannotPin = 334,
    /// A global function whose prototype the verifier rejects.
    FunctionPrototype = 335,
    /// Calls that are nested too deeply or use too much stack.
    StackLimit = 336,
    /// A tracer that may sleep, on a program that may not.
    NotSleepable = 337,
    /// An invalid layout of records.
    BadLayout = 338,
    /// A map with a lock or a timer in a program that may not use it.
    LockInTracing = 340,
    /// The result of a helper that is used without a test for NULL.
    HelperNull = 345,
    /// An argument that is called as the result or the duration is.
    Shadowed = 346,
    /// Functions that a pattern means and that cannot be traced.
    LeftOut = 347,
    /// A map that its host cannot be attached to.
    UnsuitableMap = 348,

    /// No right to use eBPF.
    NotPermitted = 401,
    /// The kernel offers no BTF.
    NoKernelBtf = 402,
    /// The kernel refuses programs that need a trampoline.
    NoTrampoline = 403,
    /// The kernel has no kprobes.
    NoKprobes = 404,
    /// The kernel is older than the chain requires.
    NoRingBuffer = 405,
    /// The kernel has no support for eBPF.
    NoBpf = 406,
    /// tracefs is not mounted, or cannot be used.
    NoTracefs = 407,
    /// A file that others may change, used as root.
    UntrustedFile = 408,

    /// The verifier rejected a program.
    Rejected = 501,
    /// The place to attach to is not there.
    NoTarget = 502,
    /// The place to attach to is taken.
    Busy = 503,
    /// The kernel refused an operation.
    Refused = 504,
    /// Something could not be undone.
    UndoIncomplete = 505,
    /// The command after `--` could not be run, or failed.
    CommandFailed = 506,
    /// Events that cannot be read.
    EventsUnreadable = 507,
    /// An output file that cannot be created.
    OutputFile = 508,
    /// Output that cannot be written.
    WriteFailed = 509,
    /// An output that would overwrite a file that is read.
    OutputOverInput = 510,
    /// A process that cannot receive signals.
    NoSignals = 511,
    /// More open files than there may be.
    TooManyFiles = 512,
    /// No memory left in the kernel.
    OutOfMemory = 513,
    /// An output to a symbolic link of another user.
    ForeignLink = 514,
    /// An interface that went while the chain was up.
    InterfaceGone = 515,
    /// A running program that was detached or replaced while the chain was up.
    ProgramGone = 516,

    /// The micro-VM could not do its work.
    MicroVm = 601,
    /// A kernel for the micro-VM that is not to be had.
    NoSuchKernel = 602,
    /// A file that is no kernel image.
    NotAKernel = 603,
    /// A package for the micro-VM that cannot be fetched.
    CannotFetch = 604,
    /// A command or file that cannot be brought into the micro-VM.
    NotForGuest = 605,
    /// The memory of the micro-VM ran out.
    GuestMemory = 606,
    /// A module that the micro-VM's kernel does not have.
    NoModule = 607,
    /// Traffic that cannot be generated.
    Traffic = 608,

    /// A name that is of no program in the kernel.
    NoSuchProgram = 701,
    /// A name that is of several programs in the kernel.
    AmbiguousProgram = 702,
    /// A text that does not name a program in the kernel.
    BadReference = 703,
    /// A program in the kernel that was not looked at.
    NotLooked = 704,
    /// A program without BTF, or one of a type that cannot be extended or traced.
    NotExtensible = 705,
    /// Machine code that cannot be read.
    NoMachineCode = 706,
    /// Machine code that is not what the links say.
    CodeDiffers = 707,

    /// What a generated replacement is to return or write does not fit its stub.
    BadAnswer = 801,
    /// A test that cannot be run.
    BadTest = 802,
    /// A test whose expectations do not hold.
    TestFailed = 803,
    /// A value that a field of a packet cannot have.
    PacketValue = 810,
    /// Layers that a packet cannot have together.
    PacketLayers = 811,
    /// A packet that is larger than its lengths can say.
    PacketSize = 812,
    /// Bytes that are not written as hexadecimal.
    PacketHex = 813,
    /// A capture file that gives no packets.
    CaptureUnreadable = 814,

    /// A file that is no packed recipe, or one that is not whole.
    NotARecipe = 901,
    /// A file in a format that is newer than this program.
    NewerFormat = 902,
    /// A folder that cannot be packed as a recipe.
    NotPackable = 903,
    /// A cache that recipes cannot be put into or taken out of.
    CacheUnusable = 904,

    /// A chain that is too large for where it is exported to.
    TooLargeToExport = 930,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FC{:04}", *self as u16)
    }
}
