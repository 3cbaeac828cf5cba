// What is under way of a ring, in memory that outlives this process: a file that is mapped. A process that is killed leaves what it
// had written; the next one goes on with the ring as if nothing had happened.
//
//   header    0 magic u64   8 taken u32   12 told u32   16 flags u32   20 entries u32   24 bytes of the ring's name u32   28 its name
//   record    0 the request, as it was copied from the ring (112)   112 its index u32   116 state u32   120 its response's index u32
//
// S3  A request is under way from the moment that `taken` counts it until `told` counts its response. So between two stores, wherever
//     it is killed, each request is either still in the ring, or in a record; one that is in both is in the ring. A response counts
//     only when the guest was told: what was answered and not told is carried out once more, which is right for the reasons that
//     GuestRing gives.
// O6  That a write has failed stands here from before the guest is told of it, until all that the guest may have sent before it heard
//     of it is answered: the next process does not know which of these were to fail behind it.
// S1  Nothing is taken from the ring's own pages that the backend wrote there: the guest may have changed it since.
using System.Runtime.CompilerServices;
using System.Text;
using Scheduler.Xen.Blkif;

namespace Scheduler.Xen.Rings;

/// <summary>Requests of a ring that are under way. One thread at a time.</summary>
internal sealed unsafe class InFlightTable
{
    private const ulong Magic = 0x3174_6c66_6e69_6b62;
    private const int TakenAt = 8;
    private const int ToldAt = 12;
    private const int FlagsAt = 16;
    private const int EntriesAt = 20;
    private const int NameBytesAt = 24;
    private const int NameAt = 28;
    private const int HeaderBytes = 4096;
    private const int RecordBytes = 128;
    private const int IndexAt = BlkifAbi.EntryBytes;
    private const int StateAt = BlkifAbi.EntryBytes + 4;
    private const int ResponseAt = BlkifAbi.EntryBytes + 8;
    private const uint Free = 0;
    private const uint UnderWay = 1;
    private const uint Answered = 2;
    private const uint HasFailedFlag = 1;
    private const uint HasEndedFlag = 2;

    private readonly byte* _start;
    private readonly int _entries;

    /// <summary>Of a table that is this process' alone.</summary>
    private readonly byte[]? _memory;
    private readonly Stack<int> _free = new();
    private bool _unmapped;

    /// <summary>A table that ends with this process.</summary>
    /// <param name="entries">The ring's.</param>
    public InFlightTable(int entries)
    {
        _entries = entries;
        _memory = GC.AllocateArray<byte>(BytesFor(entries), pinned: true);
        _start = (byte*)Unsafe.AsPointer(ref _memory[0]);
        FreeAll();
    }

    private InFlightTable(byte* start, int entries)
    {
        _start = start;
        _entries = entries;
    }

    /// <summary>Requests taken so far; wraps.</summary>
    public uint Taken => Header(TakenAt);

    /// <summary>Responses told so far; wraps.</summary>
    public uint Told => Header(ToldAt);

    /// <summary>Of a table that an earlier process has left: what is under way, the oldest first.</summary>
    public IReadOnlyList<int> Left { get; private set; } = [];

    /// <summary>Whether an earlier process has left it.</summary>
    public bool IsTakenOver { get; private set; }

    /// <summary>The ring's entries.</summary>
    public int Entries => _entries;

    /// <summary>Whether something that changes data has failed, and the guest may have sent before it heard of that what has no answer
    /// yet.</summary>
    public bool HasFailed
    {
        get => (Header(FlagsAt) & HasFailedFlag) != 0;
        set => Volatile.Write(ref Header(FlagsAt), value ? Header(FlagsAt) | HasFailedFlag : Header(FlagsAt) & ~HasFailedFlag);
    }

    /// <summary>Makes a file, in the place of what is there.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="name">The ring's name, and what it is made of.</param>
    /// <param name="entries">The ring's entries.</param>
    /// <returns>The table.</returns>
    /// <exception cref="IOException">It can't be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static InFlightTable Make(string path, string name, int entries)
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Delete(path);
        using FileStream file = new(path, FileMode.CreateNew, FileAccess.ReadWrite);
        file.SetLength(BytesFor(entries));
        InFlightTable table = new(Map(file, entries), entries);
        byte[] bytes = Encoding.ASCII.GetBytes(name);
        bytes.CopyTo(new Span<byte>(table._start + NameAt, HeaderBytes - NameAt));
        table.Header(NameBytesAt) = (uint)bytes.Length;
        table.Header(EntriesAt) = (uint)entries;
        table.FreeAll();
        Volatile.Write(ref Unsafe.AsRef<ulong>(table._start), Magic);
        return table;
    }

    /// <summary>Takes what an earlier process has left.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="name">The ring's name, and what it is made of.</param>
    /// <param name="entries">The ring's entries.</param>
    /// <param name="problem">Why the ring can't go on.</param>
    /// <returns>The table; null if there is a problem.</returns>
    public static InFlightTable? Take(string path, string name, int entries, out string problem)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
            if (file.Length != BytesFor(entries))
            {
                problem = $"{path} has {file.Length} bytes, not {BytesFor(entries)}";
                return null;
            }

            InFlightTable table = new(Map(file, entries), entries);
            problem = table.WhyNot(name) is { } reason ? $"{path} {reason}"
                : table.FindLeft() ? ""
                : $"{path} contradicts itself";
            if (problem.Length == 0)
            {
                table.IsTakenOver = true;
                return table;
            }

            table.Unmap();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problem = exception.Message;
        }

        return null;
    }

    /// <summary>A request is taken.</summary>
    /// <param name="entry">Its entry in the ring, which the guest may change meanwhile.</param>
    /// <returns>Its record.</returns>
    public int Add(byte* entry)
    {
        int record = _free.Pop();
        new ReadOnlySpan<byte>(entry, BlkifAbi.EntryBytes).CopyTo(new Span<byte>(Record(record), BlkifAbi.EntryBytes));
        uint index = Taken;
        Field(record, IndexAt) = index;
        Volatile.Write(ref Field(record, StateAt), UnderWay);
        Volatile.Write(ref Header(TakenAt), index + 1);
        return record;
    }

    /// <summary>A request.</summary>
    /// <param name="record">Its record.</param>
    /// <returns>The copy of its entry.</returns>
    public ReadOnlySpan<byte> Entry(int record) => new(Record(record), BlkifAbi.EntryBytes);

    /// <summary>Which of the requests taken it is; wraps.</summary>
    /// <param name="record">Its record.</param>
    /// <returns>Its index.</returns>
    public uint Index(int record) => Field(record, IndexAt);

    /// <summary>A request has its response in the ring.</summary>
    /// <param name="record">Its record.</param>
    /// <param name="response">The response's index.</param>
    public void Answer(int record, uint response)
    {
        Field(record, ResponseAt) = response;
        Volatile.Write(ref Field(record, StateAt), Answered);
    }

    /// <summary>The guest is told of responses; comes before it is.</summary>
    /// <param name="told">How many so far.</param>
    public void Tell(uint told) => Volatile.Write(ref Header(ToldAt), told);

    /// <summary>A request whose response the guest was told of is forgotten.</summary>
    /// <param name="record">Its record.</param>
    public void Forget(int record)
    {
        Volatile.Write(ref Field(record, StateAt), Free);
        _free.Push(record);
    }

    /// <summary>The ring has ended: nobody goes on with it.</summary>
    public void End() => Volatile.Write(ref Header(FlagsAt), Header(FlagsAt) | HasEndedFlag);

    /// <summary>It is used no more here.</summary>
    public void Unmap()
    {
        if (_memory is not null || _unmapped)
            return;
        _unmapped = true;
        _ = MemoryCalls.Unmap((nint)_start, (nuint)BytesFor(_entries));
    }

    private static int BytesFor(int entries) => HeaderBytes + (entries * RecordBytes);

    // False if the table contradicts itself.
    private bool FindLeft()
    {
        List<int> left = [];
        _free.Clear();
        for (int record = _entries - 1; record >= 0; record--)
        {
            uint state = Field(record, StateAt);
            bool counted = (int)(Field(record, IndexAt) - Taken) < 0;
            bool told = state == Answered && (int)(Field(record, ResponseAt) - Told) < 0;
            if (state == Free || !counted || told)
            {
                Forget(record);
                continue;
            }

            // Its response, if it had one, is that of another from now on.
            Volatile.Write(ref Field(record, StateAt), UnderWay);
            left.Add(record);
        }

        left.Sort((one, other) => ((int)(Field(one, IndexAt) - Field(other, IndexAt))).CompareTo(0));
        Left = left;
        return left.Count == (int)(Taken - Told);
    }

    private static byte* Map(FileStream file, int entries)
    {
        int descriptor = (int)file.SafeFileHandle.DangerousGetHandle();
        nint start = MemoryCalls.Map(0, (nuint)BytesFor(entries), MemoryCalls.ReadWrite, MemoryCalls.Shared, descriptor, 0);
        return start != MemoryCalls.MapFailed ? (byte*)start : throw new IOException($"{file.Name} can't be mapped");
    }

    private string? WhyNot(string name)
    {
        int length = (int)Math.Min(Header(NameBytesAt), HeaderBytes - NameAt);
        string of = Encoding.ASCII.GetString(_start + NameAt, length);
        return Unsafe.ReadUnaligned<ulong>(_start) != Magic || Header(EntriesAt) != _entries ? "is no table of such a ring"
            : of != name ? $"is of another ring, {of}"
            : (Header(FlagsAt) & HasEndedFlag) != 0 ? "says that the ring has ended"
            : null;
    }

    private void FreeAll()
    {
        for (int record = _entries - 1; record >= 0; record--)
            _free.Push(record);
    }

    private byte* Record(int record) => _start + HeaderBytes + (record * RecordBytes);

    private ref uint Header(int at) => ref Unsafe.AsRef<uint>(_start + at);

    private ref uint Field(int record, int at) => ref Unsafe.AsRef<uint>(Record(record) + at);
}
