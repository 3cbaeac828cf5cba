// Who may write to a volume that several machines reach (S5), as its owner reckons: a pure state machine, time is a parameter.
//
// L1 A deadline counts from before the call that was granted had been sent, not from its answer: the store counts from later,
//    so the owner stops before anybody else can begin.
// L2 The owner's clock may be slower than the store's: a hundredth of the duration is left unused.
// L3 What was held to its deadline, or was refused, is over: another epoch has to be taken. A deadline that has passed is never
//    moved, though an answer that was late may say that nobody else came.
// L4 A call without an answer changes nothing: it may have been carried out or not. It is made again, after a pause.
// L5 Epochs only rise. One that does not breaks S5 and stops the volume.
//
// A lease alone does not stop I/O that is in flight; what closes that window is a fence, before the new epoch's first request.
namespace Scheduler.Storage.Lease;

/// <summary>What a lease asks of its store.</summary>
public enum LeaseCall
{
    /// <summary>Nothing yet.</summary>
    None = 0,

    /// <summary>A new epoch.</summary>
    Take = 1,

    /// <summary>More time for the epoch that is held.</summary>
    Renew = 2,
}

/// <summary>One volume's lease, as one owner sees it. Not for several threads at once, but for <see cref="Holds"/>.</summary>
/// <param name="duration">How long a lease lasts by the store's clock; at least 10 ms.</param>
public sealed class VolumeLease(TimeSpan duration)
{
    // The first renewal comes when so much of the lease has passed; one that fails is made again sooner.
    private const int RenewalsPerLease = 4;

    private readonly long _usableNs = Checked(duration) - (Checked(duration) / 100);
    private readonly long _pauseNs = Checked(duration) / RenewalsPerLease;
    private LeaseCall _call;
    private long _sentNs;
    private long _nextNs;
    private long _deadlineNs = long.MinValue;
    private bool _held;

    /// <summary>The epoch that is held, or was held last; 0 before the first.</summary>
    public long Epoch { get; private set; }

    /// <summary>When the next call is due, on the owner's clock; <see cref="long.MaxValue"/> while one is under way.</summary>
    public long NextCallNs => _call == LeaseCall.None ? _nextNs : long.MaxValue;

    /// <summary>Whether the volume may be written to. Asked before each submission, from any thread.</summary>
    /// <param name="nowNs">Now, on the owner's clock.</param>
    /// <returns>Whether the lease is held.</returns>
    public bool Holds(long nowNs) => nowNs < Volatile.Read(ref _deadlineNs);

    /// <summary>What to ask of the store now.</summary>
    /// <param name="nowNs">Now, before the call is sent.</param>
    /// <returns>The call; its answer is given to <see cref="Granted"/>, <see cref="Refused"/> or <see cref="Unanswered"/>.</returns>
    public LeaseCall Next(long nowNs)
    {
        if (_call != LeaseCall.None || nowNs < _nextNs)
            return LeaseCall.None;
        if (_held && !Holds(nowNs))
            End();
        _call = _held ? LeaseCall.Renew : LeaseCall.Take;
        _sentNs = nowNs;
        return _call;
    }

    /// <summary>The store has granted the call.</summary>
    /// <param name="epoch">The epoch that is held now.</param>
    /// <param name="nowNs">Now.</param>
    /// <exception cref="InvalidOperationException">The epoch is not what it must be (L5).</exception>
    public void Granted(long epoch, long nowNs)
    {
        LeaseCall call = Answered(nowNs);
        if (call == LeaseCall.Take ? epoch <= Epoch : epoch != Epoch)
        {
            End();
            throw new InvalidOperationException($"S5: a lease of epoch {epoch} was granted after epoch {Epoch}; the table of leases was changed by hand or restored");
        }

        Epoch = epoch;
        long deadline = _sentNs + _usableNs;
        _held = nowNs < deadline && (call == LeaseCall.Take || Holds(nowNs));
        Volatile.Write(ref _deadlineNs, _held ? deadline : long.MinValue);
        _nextNs = _held ? _sentNs + _pauseNs : nowNs;
    }

    /// <summary>The store says that somebody else has the volume, or had it since.</summary>
    /// <param name="nowNs">Now.</param>
    public void Refused(long nowNs)
    {
        _ = Answered(nowNs);
        End();
    }

    /// <summary>The store has not answered, and what it did is unknown.</summary>
    /// <param name="nowNs">Now.</param>
    public void Unanswered(long nowNs)
    {
        _ = Answered(nowNs);
        _nextNs = nowNs + (_pauseNs / RenewalsPerLease);
    }

    /// <summary>The owner is done with the volume: it is not held from now on.</summary>
    public void End()
    {
        _held = false;
        Volatile.Write(ref _deadlineNs, long.MinValue);
    }

    private static long Checked(TimeSpan duration)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.FromMilliseconds(10));
        return (long)duration.TotalNanoseconds;
    }

    private LeaseCall Answered(long nowNs)
    {
        LeaseCall call = _call;
        if (call == LeaseCall.None)
            throw new InvalidOperationException("an answer without a call");
        _call = LeaseCall.None;
        _nextNs = nowNs + _pauseNs;
        return call;
    }
}
