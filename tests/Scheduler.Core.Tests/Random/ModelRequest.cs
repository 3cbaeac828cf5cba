namespace Scheduler.Core.Tests.Random;

/// <summary>An attached ring as the model sees it.</summary>
internal sealed class ModelRing(int number, int disk, int credits, int streams)
{
    public int Number { get; } = number;

    public int Disk { get; } = disk;

    public int Streams { get; } = streams;

    public ModelRequest?[] Slots { get; } = new ModelRequest?[credits];

    public bool Detached { get; set; }

    public bool Disconnected { get; set; }

    /// <summary>Answers given, and how many of them the guest has heard.</summary>
    public long Answers { get; set; }
    public long Heard { get; set; }

    /// <summary>Failed requests, with the number of the answer that said so.</summary>
    public List<(ModelRequest Request, long Answer)> Failed { get; } = [];
}

/// <summary>An unanswered request, or an answered write that others still depend on.</summary>
internal sealed class ModelRequest
{
    public required ModelRing Ring { get; init; }
    public required int Slot { get; init; }
    public required RequestOp Op { get; init; }
    public required bool Fua { get; init; }
    public required byte Stream { get; init; }
    public required long Offset { get; init; }
    public required long Length { get; init; }

    /// <summary>F2: writes that a flush or barrier covers.</summary>
    public required List<ModelRequest> Covers { get; init; }

    /// <summary>Unanswered requests of the stream when it arrived, oldest first.</summary>
    public required List<ModelRequest> Earlier { get; init; }

    public List<Piece> Pieces { get; } = [];

    public bool Answered { get; set; }

    public int Error { get; set; }

    /// <summary>O6: a write that it was to follow has failed, or a barrier that it was queued behind.</summary>
    public bool MustFail { get; set; }

    /// <summary>F6: a piece of it may have been refused because of a fence, so that no more are sent.</summary>
    public bool MetFence { get; set; }

    public bool Overlaps(ModelRequest other) => Offset < other.Offset + other.Length && other.Offset < Offset + Length;

    public bool IsDurable => Pieces.TrueForAll(piece => piece.Place == Place.Durable && !piece.Dropped);

    /// <summary>O2: an earlier barrier is not complete.</summary>
    public bool BehindBarrier => Earlier.Exists(other => other.Op.IsBarrier() && !other.Answered);

    /// <summary>O3: an earlier write that it overlaps was not complete when it arrived, nor was a barrier.</summary>
    public bool MayNotPass { get; set; }
}
