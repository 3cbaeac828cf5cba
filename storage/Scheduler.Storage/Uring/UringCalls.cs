using System.Runtime.InteropServices;

namespace Scheduler.Storage.Uring;

/// <summary>
/// The kernel's interface as it is: io_uring_setup(2), io_uring_enter(2), io_uring_register(2), and the structures of
/// include/uapi/linux/io_uring.h. The C library has no functions for these calls; their numbers are the same on all
/// architectures.
/// </summary>
internal static unsafe partial class UringCalls
{
    public const uint FeatureSingleMap = 1 << 0;
    public const uint FeatureNoDrop = 1 << 1;

    public const uint SubmissionFlagOverflow = 1 << 1;

    public const uint EnterGetEvents = 1 << 0;

    public const byte FixedFile = 1 << 0;
    public const uint DataSync = 1 << 0;

    public const uint RegisterFiles = 2;
    public const uint UnregisterFiles = 3;
    public const uint RegisterProbe = 8;

    public const ushort ProbeSupported = 1 << 0;

    public const long RingsOffset = 0;
    public const long EntriesOffset = 0x1000_0000;

    private const nint SetupNumber = 425;
    private const nint EnterNumber = 426;
    private const nint RegisterNumber = 427;

    private const int ReadWrite = 3;
    private const int SharedPopulated = 0x8001;
    private const nint MapFailed = -1;

    /// <summary>Operations: <c>IORING_OP_*</c>.</summary>
    public enum Op : byte
    {
        Sync = 3,
        Allocate = 17,
        Read = 22,
        Write = 23,
    }

    /// <summary><c>errno</c> of the last call that failed on this thread.</summary>
    public static int LastError => Marshal.GetLastPInvokeError();

    /// <summary>io_uring_setup(2).</summary>
    /// <returns>A descriptor, close-on-exec, or -1.</returns>
    public static int Setup(uint entries, Parameters* parameters) =>
        (int)SysCall(SetupNumber, (nint)entries, (nint)parameters, 0, 0, 0, 0);

    /// <summary>io_uring_enter(2), without a signal mask.</summary>
    /// <returns>How many entries were taken, or -1.</returns>
    public static int Enter(int fd, uint submit, uint flags) =>
        (int)SysCall(EnterNumber, fd, (nint)submit, 0, (nint)flags, 0, 0);

    /// <summary>io_uring_register(2).</summary>
    /// <returns>-1 on failure.</returns>
    public static int Register(int fd, uint what, void* argument, uint count) =>
        (int)SysCall(RegisterNumber, fd, (nint)what, (nint)argument, (nint)count, 0, 0);

    /// <summary>Maps queues of an io_uring.</summary>
    /// <returns>The address, or null.</returns>
    public static byte* Map(int fd, nuint length, long offset)
    {
        nint address = MMap(0, length, ReadWrite, SharedPopulated, fd, offset);
        return address == MapFailed ? null : (byte*)address;
    }

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(void* address, nuint length);

    // Variadic in C; the registers are those of a fixed signature on x86-64 and on Linux's arm64.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SysCall(nint number, nint a1, nint a2, nint a3, nint a4, nint a5, nint a6);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint MMap(nint address, nuint length, int protection, int flags, int fd, long offset);

    /// <summary><c>struct io_uring_params</c>.</summary>
    public struct Parameters
    {
        public uint SubmissionEntries;
        public uint CompletionEntries;
        public uint Flags;
        public uint ThreadCpu;
        public uint ThreadIdle;
        public uint Features;
        public uint WorkQueueFd;
        public fixed uint Reserved[3];
        public SubmissionOffsets Submission;
        public CompletionOffsets Completion;
    }

    /// <summary><c>struct io_sqring_offsets</c>.</summary>
    public struct SubmissionOffsets
    {
        public uint Head;
        public uint Tail;
        public uint Mask;
        public uint Entries;
        public uint Flags;
        public uint Dropped;
        public uint Array;
        public uint Reserved;
        public ulong UserAddress;
    }

    /// <summary><c>struct io_cqring_offsets</c>.</summary>
    public struct CompletionOffsets
    {
        public uint Head;
        public uint Tail;
        public uint Mask;
        public uint Entries;
        public uint Overflow;
        public uint Completions;
        public uint Flags;
        public uint Reserved;
        public ulong UserAddress;
    }

    /// <summary><c>struct io_uring_sqe</c>: the fields that are used.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    public struct Submission
    {
        [FieldOffset(0)]
        public Op Op;

        [FieldOffset(1)]
        public byte Flags;

        /// <summary>Index of a registered file with <see cref="FixedFile"/>.</summary>
        [FieldOffset(4)]
        public int File;

        [FieldOffset(8)]
        public ulong Offset;

        /// <summary>Buffer; for <see cref="Op.Allocate"/> the length of the range.</summary>
        [FieldOffset(16)]
        public ulong Address;

        /// <summary>Bytes; for <see cref="Op.Allocate"/> its mode.</summary>
        [FieldOffset(24)]
        public uint Length;

        /// <summary><c>RWF_*</c>, or <see cref="DataSync"/>.</summary>
        [FieldOffset(28)]
        public uint OpFlags;

        [FieldOffset(32)]
        public ulong UserData;
    }

    /// <summary><c>struct io_uring_cqe</c>.</summary>
    public readonly record struct Completion(ulong UserData, int Result, uint Flags);

    /// <summary><c>struct io_uring_probe</c> with room for the operations that are asked for.</summary>
    public struct Probe
    {
        public const int Operations = 64;

        public byte LastOp;
        public byte Length;
        public ushort Reserved;
        public fixed uint Reserved2[3];
        public fixed ulong Ops[Operations];

        // struct io_uring_probe_op: op, a reserved byte, 16 bits of flags, 32 reserved; little-endian as all of Linux on
        // the machines that the service runs on.
        public readonly bool Supports(Op op) => (byte)op < Length && ((ushort)(Ops[(byte)op] >> 16) & ProbeSupported) != 0;
    }
}
