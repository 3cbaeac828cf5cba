// A guest's end of a ring without Xen: what Linux's xen-blkfront does with a ring, for load and for tests. One thread at a time.
// How a ring is agreed on is in Server/Hello.cs, its layout in Blkif/BlkifAbi.cs.
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using static Scheduler.Xen.Blkif.BlkifAbi;

namespace Scheduler.Xen.Client;

/// <summary>What a request came to.</summary>
/// <param name="Id">The request's.</param>
/// <param name="Operation">The request's.</param>
/// <param name="Status">0, or an error of blkif.</param>
public readonly record struct RingResponse(ulong Id, byte Operation, short Status);

/// <summary>A guest with one ring.</summary>
public sealed unsafe class RingClient : IDisposable
{
    private readonly Socket _socket;
    private readonly int _descriptor;
    private readonly nint _memory;
    private readonly nint _length;
    private readonly uint _entries;
    private readonly int _ringBytes;
    private uint _requests;
    private uint _requestsSent;
    private uint _responses;
    private bool _disposed;

    internal RingClient(Socket socket, nint memory, nint length, int ringOrder, int dataPages, IReadOnlyDictionary<string, string> nodes)
    {
        _socket = socket;
        _descriptor = (int)socket.Handle;
        _memory = memory;
        _length = length;
        _entries = (uint)Entries(ringOrder);
        _ringBytes = PageBytes << ringOrder;
        DataPages = dataPages;
        Nodes = nodes;
        Index(RequestEventAt) = 1;
        Index(ResponseEventAt) = 1;
    }

    /// <summary>What the backend says of the disk.</summary>
    public IReadOnlyDictionary<string, string> Nodes { get; }

    /// <summary>Pages for data.</summary>
    public int DataPages { get; }

    /// <summary>The disk's bytes.</summary>
    public long Size => long.Parse(Nodes["sectors"], System.Globalization.CultureInfo.InvariantCulture) * SectorBytes;

    /// <summary>The process that listens; null if the kernel does not say.</summary>
    public int? ServicePid
    {
        get
        {
            // SO_PEERCRED: process, user, group.
            Span<byte> credentials = stackalloc byte[12];
            int count = _socket.GetRawSocketOption(1, 17, credentials);
            int process = Unsafe.ReadUnaligned<int>(ref credentials[0]);
            return count == credentials.Length && process > 0 ? process : null;
        }
    }

    /// <summary>Whether each entry has a request that is not answered, or whose response is not taken.</summary>
    public bool IsFull => _requests - _responses == _entries;

    /// <summary>The service has closed the ring.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Connects.</summary>
    /// <param name="path">The service's Unix socket for rings.</param>
    /// <param name="disk">Name of the disk.</param>
    /// <param name="ringOrder">Logarithm of the ring's pages, 0 to 4.</param>
    /// <param name="dataPages">Pages for data, from 256 on.</param>
    /// <returns>The guest.</returns>
    /// <exception cref="IOException">Nobody is there, or the service refuses; the message says why.</exception>
    public static RingClient Connect(string path, string disk, int ringOrder = 0, int dataPages = 256) =>
        Greet(path, $"disk={disk}\nring-page-order={ringOrder}\ndata-pages={dataPages}\n", ringOrder, dataPages);

    /// <summary>Connects with a message of one's own.</summary>
    /// <param name="path">The service's Unix socket for rings.</param>
    /// <param name="hello">The message.</param>
    /// <param name="ringOrder">The ring that it asks for.</param>
    /// <param name="dataPages">The pages that it asks for.</param>
    /// <returns>The guest.</returns>
    /// <exception cref="IOException">Nobody is there, or the service refuses; the message says why.</exception>
    public static RingClient Greet(string path, string hello, int ringOrder, int dataPages)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            _ = socket.Send(Encoding.ASCII.GetBytes(hello));
            byte[] answer = new byte[4096];
            int count = ClientCalls.Receive((int)socket.Handle, answer, out int memory);
            Dictionary<string, string> nodes = Encoding.ASCII.GetString(answer, 0, Math.Max(0, count))
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line.Split('=', 2))
                .ToDictionary(pair => pair[0], pair => pair[^1]);
            if (memory < 0)
                throw new IOException($"{path}: {nodes.GetValueOrDefault("error", "the service has closed the connection")}");
            nint length = (PageBytes << ringOrder) + ((nint)dataPages * PageBytes);
            return new RingClient(socket, ClientCalls.Map(memory, length), length, ringOrder, dataPages, nodes);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"{path}: {e.Message}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Memory of data pages.</summary>
    /// <param name="page">The first.</param>
    /// <param name="bytes">How much, over as many pages as it takes.</param>
    /// <returns>The memory.</returns>
    public Span<byte> Data(int page, int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(page);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)page * PageBytes + bytes, (long)DataPages * PageBytes);
        return new Span<byte>((byte*)_memory + _ringBytes + ((long)page * PageBytes), bytes);
    }

    /// <summary>One of the four indexes, for who wants to write nonsense there.</summary>
    /// <param name="at">Where it is in the ring.</param>
    /// <returns>It.</returns>
    public ref uint Index(int at) => ref Unsafe.AsRef<uint>((byte*)_memory + at);

    /// <summary>Puts a request into the ring. Its data are whole pages that follow each other.</summary>
    /// <param name="operation">Read, write, write barrier or flush.</param>
    /// <param name="id">Comes back with the response.</param>
    /// <param name="offset">First byte on the disk; of a flush or an empty barrier, anything.</param>
    /// <param name="page">The first of the data pages.</param>
    /// <param name="pages">How many; 0 to 11, or of a read or a write to 256 with <paramref name="listPage"/>.</param>
    /// <param name="listPage">A page for the list of the others, where there are more than 11.</param>
    public void Add(byte operation, ulong id, long offset, int page, int pages, int listPage = -1)
    {
        byte* entry = NextEntry();
        bool indirect = pages > DirectSegmentsMax;
        entry[0] = indirect ? Indirect : operation;
        entry[1] = indirect ? operation : (byte)pages;
        Unsafe.WriteUnaligned(entry + 2, (ushort)(indirect ? pages : 0));
        Unsafe.WriteUnaligned(entry + 8, id);
        Unsafe.WriteUnaligned(entry + 16, pages == 0 ? ulong.MaxValue : (ulong)(offset / SectorBytes));
        byte* segments = entry + SegmentsAt;
        if (indirect)
        {
            Unsafe.WriteUnaligned(entry + IndirectGrantsAt, (uint)listPage);
            segments = (byte*)_memory + _ringBytes + ((long)listPage * PageBytes);
        }

        for (int i = 0; i < pages; i++)
        {
            byte* segment = segments + (i * SegmentBytes);
            Unsafe.WriteUnaligned(segment, (uint)(page + i));
            segment[4] = 0;
            segment[5] = SectorsPerPage - 1;
        }
    }

    /// <summary>Puts an entry into the ring as it is.</summary>
    /// <param name="entry">At most 112 bytes.</param>
    public void Add(ReadOnlySpan<byte> entry) => entry.CopyTo(new Span<byte>(NextEntry(), EntryBytes));

    /// <summary>Shows the service what was added, and tells it if it wants to be told.</summary>
    public void Send()
    {
        uint old = _requestsSent;
        if (old == _requests)
            return;
        _requestsSent = _requests;
        Volatile.Write(ref Index(RequestProducerAt), _requests);
        Interlocked.MemoryBarrier();
        if (_requests - Volatile.Read(ref Index(RequestEventAt)) < _requests - old)
            RingBell();
    }

    /// <summary>Rings the service's bell, wanted or not.</summary>
    public void RingBell() => ClientCalls.RingBell(_descriptor);

    /// <summary>Takes a response.</summary>
    /// <param name="response">The response.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryTake(out RingResponse response)
    {
        response = default;
        if (Volatile.Read(ref Index(ResponseProducerAt)) == _responses)
            return false;
        byte* entry = Entry(_responses);
        response = new RingResponse(Unsafe.ReadUnaligned<ulong>(entry), entry[8], Unsafe.ReadUnaligned<short>(entry + 10));
        _responses++;
        return true;
    }

    /// <summary>Waits until there is a response, or the ring is over.</summary>
    /// <param name="timeoutMs">How long at most; -1: for ever.</param>
    /// <returns>Whether there is a response.</returns>
    public bool Wait(int timeoutMs = -1)
    {
        while (true)
        {
            Volatile.Write(ref Index(ResponseEventAt), _responses + 1);
            Interlocked.MemoryBarrier();
            if (Volatile.Read(ref Index(ResponseProducerAt)) != _responses)
                return true;
            if (IsClosed)
                return false;
            switch (ClientCalls.HearBell(_descriptor, timeoutMs))
            {
                case BellHeard.Nothing:
                    return false;
                case BellHeard.Closed:
                    // What it put before is still there.
                    IsClosed = true;
                    break;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _socket.Dispose();
        ClientCalls.Unmap(_memory, _length);
    }

    private byte* Entry(uint index) => (byte*)_memory + EntriesAt + ((index & (_entries - 1)) * EntryBytes);

    private byte* NextEntry()
    {
        if (IsFull)
            throw new InvalidOperationException("the ring is full");
        return Entry(_requests++);
    }
}
