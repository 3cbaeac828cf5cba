// Faults of a volume whose next owner may be on another machine (F6): they are where that one looks, in the shared journal.
//
// - A fault is durable when the journal has acknowledged it. What the journal does not acknowledge may be there or not: the
//   volume stops, with its replies unanswered, and whoever opens it next finds it or not.
// - They are read when the volume is owned, and before its first request: what an owner before has recorded is there then.
// - No second place is asked. A marker on one machine would go on fencing after the fault was cleared on another.
namespace Scheduler.Actors;

/// <summary>Keeps the faults of a volume in the journal alone.</summary>
/// <param name="volume">Name of the volume.</param>
/// <param name="history">The volume's <see cref="FaultHistory"/>, or its owner.</param>
/// <param name="clock">The time of events.</param>
/// <param name="epoch">Of the volume's owner.</param>
public sealed class JournalFaultStore(string volume, ActorRef history, TimeProvider clock, long epoch = 1) : IFaultStore
{
    // The history is started again with a back-off that begins with this.
    private static readonly TimeSpan s_pause = PersistentOwner.PauseMin;

    /// <summary>How often faults were cleared, as <see cref="ReadAsync"/> has found; see <see cref="VolumeSetup.Clearings"/>.</summary>
    public long Clearings { get; private set; }

    /// <summary>The faults that are not cleared, a domain each; while the journal is away it is waited for.</summary>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The faults, by rising domain.</returns>
    /// <exception cref="OperationCanceledException">It was given up. The message says what it waited for last.</exception>
    public async Task<IReadOnlyList<VolumeFaultRecorded>> ReadAsync(CancellationToken cancellation)
    {
        string waits = "it has not answered";
        try
        {
            while (true)
            {
                TaskCompletionSource<((IReadOnlyList<VolumeFaultRecorded> Faults, long Clearings)? Found, string? Problem)> read = new(TaskCreationOptions.RunContinuationsAsynchronously);
                history.Tell(new ReadFaults((told, why) => read.SetResult((told, why))));
                ((IReadOnlyList<VolumeFaultRecorded> Faults, long Clearings)? found, string? problem) = await read.Task.WaitAsync(cancellation).ConfigureAwait(false);
                if (found is { } known)
                {
                    Clearings = known.Clearings;
                    return known.Faults;
                }

                waits = problem!;
                await Task.Delay(s_pause, cancellation).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException e)
        {
            throw new OperationCanceledException($"the faults of volume {volume} can't be read from the journal: {waits}", e, cancellation);
        }
    }

    /// <inheritdoc/>
    public void Record(int domain, int error, Action<string?> done) => Record(domain, error, clock.GetUtcNow(), done);

    /// <summary>Makes a fault durable that a sync has met before.</summary>
    /// <param name="domain">The fenced domain.</param>
    /// <param name="error">Errno of the sync that failed.</param>
    /// <param name="at">When it failed.</param>
    /// <param name="done">As of <see cref="IFaultStore.Record"/>.</param>
    public void Record(int domain, int error, DateTimeOffset at, Action<string?> done) =>
        Write(new VolumeFaultRecorded { Domain = domain, Errno = error, At = at }, done);

    /// <inheritdoc/>
    public void Clear(int domain, string by, Action<string?> done) =>
        Write(new VolumeFaultCleared { Domain = domain, By = by, At = clock.GetUtcNow(), Epoch = epoch }, done);

    private void Write(VolumeFaultEvent happened, Action<string?> done) => history.Tell(new WriteFault(
        happened,
        problem => done(problem is null ? null : $"the journal has not acknowledged what happened to domain {happened.Domain} of volume {volume}: {problem}")));
}
