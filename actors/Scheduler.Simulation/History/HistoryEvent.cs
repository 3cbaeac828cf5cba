using System.Globalization;
using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Simulation;

/// <summary>What a run writes down.</summary>
internal enum HistoryKind : byte
{
    /// <summary>A ring was opened.</summary>
    Open,

    /// <summary>A ring may carry requests.</summary>
    Attached,

    /// <summary>A guest sent a request.</summary>
    Submit,

    /// <summary>A guest got an answer.</summary>
    Reply,

    /// <summary>A guest closes its ring.</summary>
    Detach,

    /// <summary>A ring is over; its unanswered requests are failed.</summary>
    Closed,

    /// <summary>The device took an operation.</summary>
    DeviceStart,

    /// <summary>The device finished an operation.</summary>
    DeviceEnd,

    /// <summary>The device reported that a sync failed: what was volatile is gone, or not.</summary>
    SyncFailed,

    /// <summary>A fault's record is durable.</summary>
    FaultRecorded,

    /// <summary>An operator's clearing of a fault is done.</summary>
    FaultCleared,

    /// <summary>The power went; what survived is on the device.</summary>
    PowerCut,

    /// <summary>The service was killed; the device's cache is as it was, and has taken what was in flight.</summary>
    Killed,

    /// <summary>The volume has stopped in good order.</summary>
    Stopped,

    /// <summary>A new incarnation starts.</summary>
    Started,

    /// <summary>The device makes no more errors; nothing more is asked for.</summary>
    FaultsOver,

    /// <summary>All is quiet after <see cref="FaultsOver"/>.</summary>
    Quiet,
}

/// <summary>One line of a history.</summary>
internal record struct HistoryEvent
{
    /// <summary>Its place in the history: the checkers' time.</summary>
    public int Index;
    public HistoryKind Kind;
    public DeviceOp DeviceOp;
    public DeviceFlags DeviceFlags;
    public int Ring;
    public int Domain;

    /// <summary>Number of a request, or of a device operation.</summary>
    public int Number;

    /// <summary>Errno, credits, or count.</summary>
    public int Value;
    public long Offset;
    public long Length;
    public long TimeNs;

    /// <summary>The line of the table.</summary>
    public readonly string Text(History history)
    {
        string what = Kind switch
        {
            HistoryKind.Open => $"ring {Ring} disk {history.Rings[Ring].Disk}",
            HistoryKind.Attached => $"ring {Ring} credits {Value}",
            HistoryKind.Submit => $"ring {Ring} {history.Requests[Number]}",
            HistoryKind.Reply => $"ring {Ring} {history.Requests[Number]}{Error}",
            HistoryKind.Detach or HistoryKind.Closed => $"ring {Ring}",
            HistoryKind.DeviceStart or HistoryKind.DeviceEnd when DeviceOp == DeviceOp.Flush => $"domain {Domain} #{Number} Flush{Error}",
            HistoryKind.DeviceStart or HistoryKind.DeviceEnd =>
                $"domain {Domain} #{Number} {DeviceOp}{(DeviceFlags == DeviceFlags.None ? "" : "+" + DeviceFlags)} {Sectors(Offset, Length)}{Error}",
            HistoryKind.SyncFailed or HistoryKind.FaultRecorded or HistoryKind.FaultCleared => $"domain {Domain}{Error}",
            HistoryKind.Stopped => Value == 0 ? "clean" : "fenced",
            _ => "",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{Index,7} {TimeNs / 1e6,11:F3} ms  {Kind,-13} {what}");
    }

    public static string Sectors(long offset, long length) => $"[{offset / SectorMedia.SectorBytes}+{length / SectorMedia.SectorBytes}]";

    private readonly string Error => Value == 0 ? "" : $" error {Value}";
}

/// <summary>What became of a request, as its guest knows it.</summary>
internal enum Outcome : byte
{
    /// <summary>Not answered.</summary>
    Pending,
    Ok,

    /// <summary>Answered with an error.</summary>
    Failed,

    /// <summary>Its ring closed before it was answered: done or not.</summary>
    Closed,

    /// <summary>The machine or the service went away before it was answered: done or not.</summary>
    Lost,
}

/// <summary>One request in a history, and what the guest knows of it.</summary>
internal sealed class RequestRecord
{
    public required int Id { get; init; }
    public required int Ring { get; init; }
    public required int Disk { get; init; }
    public required byte Stream { get; init; }
    public required RequestOp Op { get; init; }
    public required RequestFlags Flags { get; init; }
    public required long Offset { get; init; }
    public required long Length { get; init; }

    /// <summary>Index of the event that sent it, and of its answer.</summary>
    public int Start { get; set; }
    public int End { get; set; } = int.MaxValue;
    public int Error { get; set; }

    /// <summary>How often its guest was answered; the ring's end counts.</summary>
    public int Answers { get; set; }
    public Outcome Outcome { get; set; }

    /// <summary>A sync failed while it was unanswered, where it writes: whatever is answered, its data may be gone (F6).</summary>
    public bool Uncertain { get; set; }

    /// <summary>A read: what it got, a stamp for each sector.</summary>
    public ulong[] Result { get; init; } = [];

    public bool IsFua => (Flags & RequestFlags.Fua) != 0;

    public int FirstSector => (int)(Offset / SectorMedia.SectorBytes);

    public int EndSector => (int)((Offset + Length) / SectorMedia.SectorBytes);

    /// <summary>From when on it is certain that its data was there; <see cref="int.MaxValue"/> for never.</summary>
    public int CertainFrom => Outcome == Outcome.Ok && !Uncertain && Op != RequestOp.Discard ? End : int.MaxValue;

    /// <summary>What it writes to a sector of its disk.</summary>
    public ulong StampOf(int sector) => Op is RequestOp.Write or RequestOp.BarrierWrite ? Stamp.Of(Id, sector - FirstSector) : 0;

    public bool Overlaps(RequestRecord other) => Offset < other.Offset + other.Length && other.Offset < Offset + Length;

    public override string ToString() =>
        $"r{Id} {Op}{(IsFua ? "+Fua" : "")}{(Op.HasRange() ? " " + HistoryEvent.Sectors(Offset, Length) : "")}{(Stream == 0 ? "" : $" stream {Stream}")}";
}

/// <summary>One ring in a history.</summary>
internal sealed class RingRecord
{
    public required int Id { get; init; }
    public required int Disk { get; init; }
    public required SimulatedMemory Memory { get; init; }
    public bool Closed { get; set; }

    /// <summary>Its requests of this incarnation, in order of arrival.</summary>
    public List<RequestRecord> Requests { get; } = [];
}

/// <summary>What is in a sector instead of bytes: who wrote it. 0 is zeroes.</summary>
internal static class Stamp
{
    // A request's buffer is a range of numbers, not memory: its request and the place within.
    private const int BufferBits = 21;
    private const int SectorBits = BufferBits - 9;

    /// <summary>Most bytes of a request.</summary>
    public const long RequestBytesMax = 1L << BufferBits;

    public static nint Buffer(int request) => (nint)((long)request << BufferBits);

    public static ulong Of(int request, int sectorOfRequest) => ((ulong)request << SectorBits) | (uint)sectorOfRequest;

    public static ulong OfBuffer(nint buffer) => (ulong)buffer >> 9;

    public static int Request(ulong stamp) => (int)(stamp >> SectorBits);

    public static int Sector(ulong stamp) => (int)(stamp & ((1UL << SectorBits) - 1));

    public static string Text(ulong stamp) => stamp == 0 ? "zeroes" : $"r{Request(stamp)}";
}
