using Scheduler.Storage.Lease;

namespace Scheduler.FenceGuest;

/// <summary>The lease of one volume, in memory, which runs out when it is told to.</summary>
internal sealed class MemoryLeases : ILeaseStore
{
    private readonly Lock _lock = new();
    private readonly List<string> _predecessors = [];
    private string _owner = "";
    private long _epoch;
    private bool _over = true;

    public void Expire()
    {
        lock (_lock)
            _over = true;
    }

    public ValueTask<LeaseAnswer> TakeAsync(string volume, string owner, TimeSpan duration, CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (!_over)
                return Answer(false, duration);
            _ = _predecessors.RemoveAll(former => former == owner || former == FormerOwner.NameOfLeft(owner));
            if (_owner.Length > 0 && _owner != owner)
                _predecessors.Add(_owner);
            (_owner, _over, _epoch) = (owner, false, _epoch + 1);
            return Answer(true, duration);
        }
    }

    public ValueTask<LeaseAnswer> RenewAsync(string volume, string owner, long epoch, TimeSpan duration, CancellationToken cancellation)
    {
        lock (_lock)
            return Answer(Has(owner, epoch) && !_over, duration);
    }

    public ValueTask<LeaseAnswer> ConfirmAsync(string volume, string owner, long epoch, string fenced, CancellationToken cancellation)
    {
        lock (_lock)
            return Answer(Has(owner, epoch) && (_predecessors.Remove(fenced) || true), TimeSpan.Zero);
    }

    public ValueTask ReleaseAsync(string volume, string owner, long epoch, CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (Has(owner, epoch))
            {
                _predecessors.Add(FormerOwner.NameOfLeft(owner));
                (_owner, _over) = ("", true);
            }

            return ValueTask.CompletedTask;
        }
    }

    private bool Has(string owner, long epoch) => _owner == owner && _epoch == epoch;

    private ValueTask<LeaseAnswer> Answer(bool granted, TimeSpan left) => ValueTask.FromResult(new LeaseAnswer(granted, _epoch, _owner, left, [.. _predecessors]));
}
