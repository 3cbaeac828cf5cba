namespace Scheduler.Core.Tests.Random;

/// <summary>Where the bytes of a written piece are.</summary>
internal enum Place
{
    InFlight,

    /// <summary>In the device's volatile cache: lost at a power cut.</summary>
    Volatile,
    Durable,

    /// <summary>A sync failed while they were volatile or on their way: the kernel may have dropped them, for ever.</summary>
    Lost,
}

/// <summary>One operation of a request.</summary>
internal sealed class Piece
{
    public required ModelRequest? Request { get; init; }
    public required int Domain { get; init; }
    public required long BufferOffset { get; init; }
    public required long Length { get; init; }
    public required bool Dsync { get; init; }
    public Place Place { get; set; }

    /// <summary>It was on its way when a sync failed: whatever a later flush says, some of it may be gone.</summary>
    public bool Dropped { get; set; }
    public int Error { get; set; }

    /// <summary>A flush: what had completed before it began.</summary>
    public List<Piece> Covers { get; } = [];
}

/// <summary>
/// A device with a volatile cache, as unhelpful as one may be: a flush makes durable only what had completed before it
/// began, and a failed sync loses all that was not durable.
/// </summary>
internal sealed class ModelDevice(IReadOnlyList<DomainSpec> domains, bool mergesFlushes)
{
    private readonly Dictionary<int, Piece> _inFlight = [];
    private readonly List<Piece>[] _undurable = [.. domains.Select(_ => new List<Piece>())];

    public IReadOnlyDictionary<int, Piece> InFlight => _inFlight;

    public int DataInFlight => _inFlight.Count - FlushesInFlight;

    public int FlushesInFlight => _inFlight.Values.Count(piece => piece.Request is null);

    /// <summary>Completed pieces of a domain that are not durable.</summary>
    public IReadOnlyList<Piece> Undurable(int domain) => _undurable[domain];

    public void Start(int operation, Piece piece)
    {
        Check.That(_inFlight.TryAdd(operation, piece), "S3", "an operation's number is used twice");
        if (piece.Request is not null)
            return;
        Check.That(
            !mergesFlushes || _inFlight.Values.Count(other => other.Request is null && other.Domain == piece.Domain) == 1,
            "F1",
            "two flushes of a domain are in flight");
        piece.Covers.AddRange(_undurable[piece.Domain]);
    }

    /// <summary>Ends an operation.</summary>
    /// <returns>Whether it was a sync that failed.</returns>
    public bool End(int operation, int error)
    {
        _ = _inFlight.Remove(operation, out Piece? piece);
        piece!.Error = error;
        bool failedSync = piece.Request is null ? EndFlush(piece, error) : EndWrite(piece, error);
        if (failedSync)
        {
            foreach (Piece other in _undurable[piece.Domain].Concat(_inFlight.Values.Where(p => p.Domain == piece.Domain)))
            {
                other.Place = Place.Lost;
                other.Dropped = true;
            }
        }

        return failedSync;
    }

    /// <summary>The domain's fault was cleared: nobody relies on what was lost any more.</summary>
    public void Forget(int domain)
    {
        _ = _undurable[domain].RemoveAll(piece => piece.Place == Place.Lost);
        foreach (Piece piece in _inFlight.Values)
        {
            if (piece.Domain == domain && piece.Place == Place.Lost)
                piece.Place = Place.InFlight;
        }
    }

    private bool EndFlush(Piece flush, int error)
    {
        foreach (Piece piece in flush.Covers)
        {
            if (error == 0 && piece.Place == Place.Volatile)
                piece.Place = Place.Durable;
        }

        _undurable[flush.Domain].RemoveAll(piece => piece.Place == Place.Durable);
        return error != 0;
    }

    private bool EndWrite(Piece piece, int error)
    {
        RequestOp op = piece.Request!.Op;
        if (!op.IsWrite())
            return false;
        DomainSpec domain = domains[piece.Domain];
        bool data = op is RequestOp.Write or RequestOp.BarrierWrite;
        if (!domain.VolatileCache || (data && domain.DurableWrites) || (piece.Dsync && error == 0))
        {
            piece.Place = Place.Durable;
            return false;
        }

        if (piece.Place == Place.InFlight)
            piece.Place = Place.Volatile;
        _undurable[piece.Domain].Add(piece);
        return piece.Dsync && error is not (0 or CoreError.NoSpace);
    }
}
