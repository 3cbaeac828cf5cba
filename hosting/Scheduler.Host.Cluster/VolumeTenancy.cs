// One time that a volume is owned by this node, from the taking of its lease to the giving back:
//
//   its lease is taken, earlier owners are fenced, its devices are opened, its scheduler is started;
//   it serves until the lease is lost, the scheduler has stopped, or it is to end;
//   its scheduler stops, the device returns all I/O, and only then the lease is given back (S5).
//
// It is a task and not an actor, so that it runs to its end also when Akka.NET stops: the node waits for it.
using Scheduler.Host.Running;
using Scheduler.Storage.Lease;

namespace Scheduler.Host.Cluster;

/// <summary>How a tenancy ends.</summary>
internal enum TenancyEnd
{
    /// <summary>At once: what is under way on the device ends, nothing more is begun.</summary>
    Stop = 0,

    /// <summary>What was accepted is answered and flushed first.</summary>
    HandOver = 1,
}

/// <summary>What a tenancy tells, in this order: why it does not serve yet, any number of times; that it serves; that it does no more.</summary>
/// <param name="Waiting">What it waits for, a line.</param>
/// <param name="Serving">It serves under an epoch.</param>
/// <param name="Over">It serves no more, and why.</param>
internal sealed record TenancyEvents(Action<string> Waiting, Action<long, RunningVolume> Serving, Action<string> Over);

/// <summary>One time that a volume is owned by this node.</summary>
/// <param name="engine">The node.</param>
/// <param name="volume">Name of the volume.</param>
/// <param name="events">Told what happens, from any thread.</param>
internal sealed class VolumeTenancy(ClusterEngine engine, string volume, TenancyEvents events)
{
    private readonly TaskCompletionSource<TenancyEnd> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends it; the first call counts. From any thread.</summary>
    /// <param name="how">How.</param>
    public void End(TenancyEnd how) => _ = _end.TrySetResult(how);

    /// <summary>Owns the volume, until that is over.</summary>
    /// <returns>Done when the volume is given back.</returns>
    public async Task RunAsync()
    {
        using CancellationTokenSource taking = new();
        _ = _end.Task.ContinueWith(_ => CancelIfAlive(taking), TaskScheduler.Default);
        string reason;
        await using (VolumeOwnership ownership = await engine.AcquireAsync(volume, events.Waiting, taking.Token))
        {
            RunningVolume running = await engine.Service.StartVolumeAsync(volume, new VolumeTenure(engine.LoopOf(volume), ownership.Epoch, () => ownership.Holds));
            try
            {
                engine.SetHere(volume, running);
                events.Serving(ownership.Epoch, running);
                Task first = await Task.WhenAny(_end.Task, ownership.Lost, running.Status.Stopped);
                reason = first == running.Status.Stopped ? running.Status.Stopped.Result ?? "its scheduler has stopped"
                    : first == ownership.Lost ? ownership.Lost.Exception?.GetBaseException().Message ?? $"S5: the lease of epoch {ownership.Epoch} was lost"
                    : "it moves to another node";
                engine.SetHere(volume, null);
                events.Over(reason);
                if (first == _end.Task && _end.Task.Result == TenancyEnd.HandOver)
                    _ = await running.HandOverAsync(Service.StopTimeMax);
                engine.System.Stop(running.Actor);
                _ = await running.Status.Stopped;
            }
            finally
            {
                // Waits for what the device has.
                await engine.Service.EndVolumeAsync(running);
            }
        }
    }

    private static void CancelIfAlive(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It is over.
        }
    }
}
