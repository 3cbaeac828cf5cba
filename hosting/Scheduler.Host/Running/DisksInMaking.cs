// A change of a disk whose space has to be zeroed first takes as long as that takes, under the limit of its guest. Others are not
// to wait for it, so it has two parts:
//
//   begin   under the catalog's lock: the change is decided, and its space is taken
//   end     under the lock again, when the zeroes are durable: it is decided once more, made durable, and acted upon
//
// In between
// - every other change is decided as if it had been made: nothing else is put into its space, and its volume and its guest stay;
// - its volume is not changed, which would stop it, and the disk itself is not changed;
// - who asked for it may go away, somebody may delete the disk, or the service may stop: that ends the zeroing, and no disk comes
//   of it. Its space is free again when the device is done with it. A crash ends it too, for nothing of it is in the journal;
// - in a cluster, the volume may get another owner: that ends it as a crash does. What is decided at the end is decided by who has
//   owned the volume all the time, on all that others have changed meanwhile, and appended under the volume's lease: an owner that was
//   asleep would otherwise offer a disk whose space the next one is zeroing.
using Scheduler.Actors;

namespace Scheduler.Host.Running;

/// <summary>A change of a disk whose space is being zeroed.</summary>
/// <param name="decided">The change.</param>
/// <param name="cancellation">Ends the zeroing when who asked for it goes away.</param>
internal sealed class DiskInMaking(CatalogEvent decided, CancellationToken cancellation) : IDisposable
{
    private readonly CancellationTokenSource _givenUp = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The change.</summary>
    public CatalogEvent Decided => decided;

    /// <summary>The disk as it is to be.</summary>
    public CatalogDisk Disk => (CatalogDisk)decided.After!;

    /// <summary>Ends the zeroing.</summary>
    public CancellationToken GivenUp => _givenUp.Token;

    /// <summary>It is made or not; its space is not being written to any more.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Ends the zeroing.</summary>
    public void GiveUp()
    {
        try
        {
            _givenUp.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended just now.
        }
    }

    /// <summary>Says that it has ended.</summary>
    public void Dispose()
    {
        _givenUp.Dispose();
        _ended.SetResult();
    }
}

/// <summary>The changes of disks whose space is being zeroed. Used under the catalog's lock, but for <see cref="GiveUpAll"/>.</summary>
internal sealed class DisksInMaking
{
    /// <summary>Most at once: far more than a volume has use for.</summary>
    public const int CountMax = 64;

    private volatile IReadOnlyList<DiskInMaking> _all = [];

    /// <summary>When all that are under way have ended.</summary>
    public Task Ended => Task.WhenAll(_all.Select(making => making.Ended));

    /// <summary>The change of a disk that is under way, or null.</summary>
    /// <param name="key">What a command is about.</param>
    public DiskInMaking? Find((CatalogKind Kind, string Name) key) => _all.FirstOrDefault(making => making.Decided.Key == key);

    /// <summary>A change begins.</summary>
    /// <param name="making">It.</param>
    public void Add(DiskInMaking making) => _all = [.. _all, making];

    /// <summary>A change has ended.</summary>
    /// <param name="making">It.</param>
    public void Remove(DiskInMaking making) => _all = [.. _all.Where(other => other != making)];

    /// <summary>Ends all zeroing. From any thread.</summary>
    public void GiveUpAll()
    {
        foreach (DiskInMaking making in _all)
            making.GiveUp();
    }

    /// <summary>The catalog as if all of them were made.</summary>
    /// <param name="state">As it is.</param>
    public CatalogState Over(CatalogState state) => _all.Aggregate(state, (over, making) => over.Apply(making.Decided, sequenceNumber: 0));

    /// <summary>Why one of them keeps a change from being made, or null.</summary>
    /// <param name="decided">The change.</param>
    public CatalogRefusal? WhyNot(CatalogEvent decided)
    {
        DiskInMaking? way = Find(decided.Key) ?? _all.FirstOrDefault(making => decided.Key == (CatalogKind.Volume, making.Disk.Volume));
        return way is not null ? new CatalogRefusal(CatalogProblem.InUse, $"{Text(way)}: try again when that is done, or delete the disk to give it up")
            : decided.After is CatalogDisk && _all.Count >= CountMax ? new CatalogRefusal(CatalogProblem.Full, $"the space of {CountMax} disks is being zeroed; try again later")
            : null;
    }

    /// <summary>A refusal that is so only because of them says so.</summary>
    /// <param name="refusal">What is refused.</param>
    public CatalogRefusal Explain(CatalogRefusal refusal) =>
        refusal with { Reason = $"{refusal.Reason}; {string.Join(", ", _all.Take(3).Select(Text))}{(_all.Count > 3 ? ", and so on" : "")}" };

    private static string Text(DiskInMaking making) => $"the space of disk {making.Disk.Name} is being zeroed";
}
