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
    private static readonly TimeSpan s_recordPause = TimeSpan.FromSeconds(1);

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
        VolumeOwnership ownership = await engine.AcquireAsync(volume, events.Waiting, taking.Token);
        RunningVolume running;
        try
        {
            running = await engine.Service.StartVolumeAsync(volume, new VolumeTenure(engine.LoopOf(volume), ownership.Epoch, () => ownership.Holds));
        }
        catch
        {
            // Nothing was written.
            await ownership.DisposeAsync();
            throw;
        }

        Task first;
        string? broken;
        try
        {
            engine.SetHere(volume, running);
            events.Serving(ownership.Epoch, running);
            first = await Task.WhenAny(_end.Task, ownership.Lost, running.Status.Stopped);
            engine.SetHere(volume, null);
            events.Over(first == running.Status.Stopped ? running.Status.Stopped.Result ?? "its scheduler has stopped"
                : first == ownership.Lost ? ownership.Lost.Exception?.GetBaseException().Message ?? $"S5: the lease of epoch {ownership.Epoch} was lost"
                : "it moves to another node");
            if (first == _end.Task && _end.Task.Result == TenancyEnd.HandOver)
                _ = await running.HandOverAsync(Service.StopTimeMax);
            engine.System.Stop(running.Actor);
            broken = await running.Status.Stopped;
            if (running.Status.HasUnrecordedFault)
                await RecordAsync(running);

            // Waits for what the device has.
            await engine.Service.EndVolumeAsync(running);
        }
        catch (Exception exception)
        {
            // S5: nobody knows whether its I/O has ended, so the lease is not given back. The next owner fences this process.
            engine.GiveUp($"volume {volume} could not be ended, and its I/O may go on: {exception.Message}");
            throw;
        }

        await ownership.DisposeAsync();
        if (broken is not null && first == running.Status.Stopped)
            throw new InvalidOperationException(broken);
    }

    // F6: the next owner, which may be this node again, has to find the fault. If this process dies before, nobody knows of it.
    private async Task RecordAsync(RunningVolume running)
    {
        for (int domain = 0; domain < running.Status.DomainCount; domain++)
        {
            int error = running.Status.Fault(domain);
            while (error != 0)
            {
                TaskCompletionSource<string?> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
                running.Faults.Record(domain, error, done.SetResult);
                if (await done.Task is not { } problem)
                    break;
                events.Over($"a failed sync of volume {volume} has to be recorded before anybody serves it again: {problem}");
                await Task.Delay(s_recordPause);
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
