using Scheduler.Core;

namespace Scheduler.Simulation;

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

    /// <summary>The domains that its disk was on when it was sent, a bit each.</summary>
    public ulong Domains { get; init; }

    /// <summary>Index of the event that sent it, and of its answer.</summary>
    public int Start { get; set; }
    public int End { get; set; } = int.MaxValue;
    public int Error { get; set; }

    /// <summary>Turn of the engine in which the volume took it, and in which it answered; 0 for not yet.</summary>
    public long AcceptedTurn { get; set; }
    public long AnsweredTurn { get; set; }

    /// <summary>A part of it has reached the device.</summary>
    public bool Started { get; set; }

    /// <summary>Its volume's machine was lost before its guest had an answer: it is carried out any number of times until it has.</summary>
    public bool IsRepeated { get; set; }

    /// <summary>An operation of it has failed on the device.</summary>
    public bool MetError { get; set; }

    /// <summary>Those of its stream that the volume had taken before and not answered in an earlier turn.</summary>
    public RequestRecord[] Earlier { get; set; } = [];

    /// <summary>Those of its stream that were sent before, and whose answer its guest had not heard.</summary>
    public RequestRecord[] Unheard { get; set; } = [];

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
    public ulong StampOf(int sector) => Op.WritesData() ? Stamp.Of(Id, sector - FirstSector) : 0;

    public bool Overlaps(RequestRecord other) => Offset < other.Offset + other.Length && other.Offset < Offset + Length;

    public override string ToString() =>
        $"r{Id} {Op}{(IsFua ? "+Fua" : "")}{(Op.HasRange() ? " " + HistoryEvent.Sectors(Offset, Length) : "")}{(Stream == 0 ? "" : $" stream {Stream}")}";
}
