using System.Runtime.InteropServices;

namespace Scheduler.Xen.Client;

/// <summary>What a guest heard of the service.</summary>
internal enum BellHeard
{
    /// <summary>Nothing, for the time that it was to wait.</summary>
    Nothing,

    /// <summary>The bell.</summary>
    Bell,

    /// <summary>It has closed the ring.</summary>
    Closed,
}

/// <summary>System calls of a guest.</summary>
internal static unsafe partial class ClientCalls
{
    private const int EINTR = 4;
    private const int EAGAIN = 11;
    private const int MSG_DONTWAIT = 0x40;
    private const int MSG_NOSIGNAL = 0x4000;
    private const int MSG_CMSG_CLOEXEC = 0x40000000;
    private const short POLLIN = 1;

    /// <summary>Receives a packet, and a descriptor that may come with it.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="buffer">Receives the packet.</param>
    /// <param name="descriptor">The descriptor, or -1.</param>
    /// <returns>Bytes; -1 if the connection is broken.</returns>
    public static int Receive(int socket, byte[] buffer, out int descriptor)
    {
        fixed (byte* start = buffer)
        {
            Vector vector = new() { Base = start, Length = (nuint)buffer.Length };
            Control control = default;
            Header header = new() { Vectors = &vector, VectorCount = 1, Control = &control, ControlLength = (nuint)sizeof(Control) };
            nint count = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
            descriptor = count > 0 && header.ControlLength >= 20 ? control.Descriptor : -1;
            return (int)count;
        }
    }

    /// <summary>Maps a descriptor's memory, and closes it.</summary>
    public static nint Map(int descriptor, nint length)
    {
        nint start = mmap(0, (nuint)length, 3, 1, descriptor, 0);
        int error = Marshal.GetLastPInvokeError();
        _ = close(descriptor);
        return start != -1 ? start : throw new IOException($"the ring can't be mapped: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    public static void Unmap(nint start, nint length) => _ = munmap(start, (nuint)length);

    public static void RingBell(int socket)
    {
        byte bell = 1;
        _ = send(socket, &bell, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }

    /// <summary>Waits for the bell, and takes it.</summary>
    public static BellHeard HearBell(int socket, int timeoutMs)
    {
        PollDescriptor poll = new() { Descriptor = socket, Events = POLLIN };
        int ready = ClientCalls.poll(&poll, 1, timeoutMs);
        if (ready == 0)
            return BellHeard.Nothing;
        byte bell;
        nint count = recv(socket, &bell, 1, MSG_DONTWAIT);
        return count > 0 || (count < 0 && Marshal.GetLastPInvokeError() is EAGAIN or EINTR) ? BellHeard.Bell : BellHeard.Closed;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(int fd, Header* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int fd, void* buffer, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int fd, void* buffer, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollDescriptor* descriptors, nuint count, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint mmap(nint address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int munmap(nint address, nuint length);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        public void* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Header
    {
        public void* Name;
        public uint NameLength;
        public Vector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential, Size = 24)]
    private struct Control
    {
        public nuint Length;
        public int Level;
        public int Type;
        public int Descriptor;
    }
}
