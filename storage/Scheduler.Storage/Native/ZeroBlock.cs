using System.Runtime.InteropServices;

namespace Scheduler.Storage.Native;

/// <summary>Zeroes to write from, shared by all devices of the process and never freed.</summary>
internal static unsafe class ZeroBlock
{
    /// <summary>Bytes: large enough that a system call per block costs nothing beside the transfer.</summary>
    public const int Bytes = 1 << 20;

    private const int Alignment = 4096;

    /// <summary>Address, aligned for direct I/O.</summary>
    public static readonly nint Address = Allocate();

    private static nint Allocate()
    {
        void* block = NativeMemory.AlignedAlloc(Bytes, Alignment);
        NativeMemory.Clear(block, Bytes);
        return (nint)block;
    }
}
