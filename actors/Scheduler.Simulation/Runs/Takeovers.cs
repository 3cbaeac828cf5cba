using Scheduler.Actors;

namespace Scheduler.Simulation;

/// <summary>
/// The volume goes from one machine to another, and its rings, which are on machines of their own, go on. The device is shared and
/// keeps its power: its cache stays as it is, and what the lost machine had in flight has ended before the next one begins (S5).
/// </summary>
internal sealed class Takeovers(Run run, Random random, Chaos chaos)
{
    /// <summary>How long a new ring looks for its volume's next scheduler; some give up at once, or soon.</summary>
    public TimeSpan ReattachMax() => !chaos.RingsReattach || random.Next(8) == 0
        ? TimeSpan.Zero
        : TimeSpan.FromMilliseconds(random.Next(8) == 0 ? random.Next(2, 20) : 200);

    /// <summary>The volume's machine is lost; another takes the volume over, before or after the rings notice.</summary>
    public void TakeOver()
    {
        Incarnation lost = run.Now;
        if (lost.KillIn >= 0)
            return;
        lost.Volume.Vanish(noticedNs: 1 + random.Next(10_000_000));
        Leave(lost);
        foreach (SimulatedRing ring in lost.Rings)
        {
            foreach (ReplyBatch batch in ((SimulatedActor)ring.Port.Ring).Lose(lost.Volume, random).OfType<ReplyBatch>())
                Planted(lost, ring, batch);
        }

        foreach (SimulatedDevice device in lost.Devices)
        {
            if (run.Bug == PlantedBug.NoFence)
                device.FinishLate();
            else
                device.FinishAll();
        }

        run.History.Add(new HistoryEvent { Kind = HistoryKind.MachineLost });
        run.StartNext(1 + random.Next(random.Next(4) == 0 ? 30_000_000 : 3_000_000));
    }

    /// <summary>The volume is told to move.</summary>
    public void Move()
    {
        Incarnation now = run.Now;
        if (now.Stopping || now.KillIn >= 0)
            return;
        now.Stopping = now.Moving = true;
        now.Volume.Tell(StopVolume.ToMove);
    }

    /// <summary>It has stopped: another takes it.</summary>
    public void HasStopped()
    {
        Incarnation left = run.Now;
        Leave(left);
        run.History.Add(new HistoryEvent { Kind = HistoryKind.Moved, Value = left.Status.Stopped.Result is null ? 0 : 1 });
        run.StartNext(random.Next(3_000_000));
    }

    // What else the machine did for the volume is over.
    private static void Leave(Incarnation machine)
    {
        machine.Faults.Vanish();
        machine.Journal?.Vanish();
    }

    private void Planted(Incarnation lost, SimulatedRing ring, ReplyBatch batch)
    {
        if (run.Bug != PlantedBug.LateAnswerHeard)
            return;
        foreach (int slot in batch.Replies.ToArray().Select(reply => reply.Slot))
            lost.System.After(random.Next(5_000_000), () => ring.HearLate(slot));
    }
}
