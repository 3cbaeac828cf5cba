using System.Runtime.InteropServices;
using Scheduler.Storage;
using Scheduler.Xen.Hypervisor;
using Scheduler.Xen.Rings;

namespace Scheduler.Xen.Store;

/// <summary>Waiting for a descriptor.</summary>
internal static unsafe partial class StoreCalls
{
    /// <summary>There is something to read.</summary>
    public const short Readable = 1;

    /// <summary>There is room to write.</summary>
    public const short Writable = 4;

    /// <summary>Waits until a descriptor is ready.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="events">For what.</param>
    /// <param name="milliseconds">For how long.</param>
    /// <returns>Whether it is, or is broken.</returns>
    public static bool Wait(int descriptor, short events, int milliseconds)
    {
        PollDescriptor wanted = new() { Descriptor = descriptor, Events = events };
        int ready = poll(&wanted, 1, milliseconds);
        return ready > 0 || (ready < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
    }

    /// <summary>A copy of a descriptor that does not block.</summary>
    /// <param name="descriptor">The descriptor; it stays open.</param>
    /// <returns>The copy, the caller's to close; -1 on failure.</returns>
    public static int Duplicate(int descriptor)
    {
        const int CopyCloseOnExec = 1030;
        const int SetFlags = 4;
        int copy = MemoryCalls.Control(descriptor, CopyCloseOnExec, 0);
        if (copy >= 0)
            _ = MemoryCalls.Control(copy, SetFlags, DeviceCalls.ReadWrite | DeviceCalls.NonBlocking);
        return copy;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollDescriptor* descriptors, nuint count, int timeout);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
