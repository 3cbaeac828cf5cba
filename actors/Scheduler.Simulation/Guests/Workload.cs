using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>What a ring's guest does: how often each operation, how large, how close together.</summary>
internal sealed record Workload
{
    /// <summary>Relative frequency of each operation, by its number.</summary>
    public required int[] Mix { get; init; }

    /// <summary>Of 100 writes, zeroes and discards, how many with FUA.</summary>
    public int FuaPercent { get; init; }

    /// <summary>Most requests unanswered at once.</summary>
    public int Window { get; init; } = 8;

    /// <summary>Longest pause between bursts.</summary>
    public int ThinkNsMax { get; init; } = 1_000_000;

    /// <summary>Most sectors of a request.</summary>
    public int SectorsMax { get; init; } = 16;

    /// <summary>Whether barriers are among its operations.</summary>
    public bool SendsBarriers => Mix[(int)RequestOp.BarrierWrite] + Mix[(int)RequestOp.EmptyBarrier] > 0;

    /// <summary>Reads and writes without a pause.</summary>
    public static Workload Crowd(int diskSectors, int fuaPercent) =>
        new() { Mix = [10, 10, 0, 0, 0, 0, 0, 0, 0], FuaPercent = fuaPercent, Window = 16, ThinkNsMax = 1, SectorsMax = Math.Min(diskSectors, 32) };

    /// <summary>Draws a workload.</summary>
    public static Workload Draw(Random random, OrderedMode mode, int diskSectors)
    {
        // Read, Write, Flush, BarrierWrite, EmptyBarrier, Discard, Zero, Prefetch, Status.
        bool barriers = mode.TakesBarriers() || random.Next(16) == 0;
        int[] mix = random.Next(5) switch
        {
            0 => [5, 10, 10, 0, 0, 0, 0, 0, 0],
            1 => [2, 20, 1, barriers ? 6 : 0, barriers ? 4 : 0, 0, 0, 0, 0],
            2 => [10, 10, 2, barriers ? 1 : 0, barriers ? 1 : 0, 1, 2, 1, 1],
            3 => [5, 20, 4, barriers ? 2 : 0, barriers ? 2 : 0, 0, 1, 0, 0],
            _ => [10, 10, 10, barriers ? 10 : 0, barriers ? 10 : 0, 3, 3, 0, 0],
        };
        return new Workload
        {
            Mix = mix,
            FuaPercent = random.Next(3) switch { 0 => 0, 1 => 10, _ => 50 },
            Window = random.Next(1, 17),
            ThinkNsMax = random.Next(4) switch { 0 => 20_000, 1 => 200_000, 2 => 2_000_000, _ => 20_000_000 },
            SectorsMax = Math.Min(diskSectors, random.Next(6) == 0 ? 1500 : random.Next(1, 33)),
        };
    }

    /// <summary>Draws an operation.</summary>
    public RequestOp DrawOp(Random random)
    {
        int at = random.Next(Mix.Sum());
        int op = 0;
        while (at >= Mix[op])
            at -= Mix[op++];
        return (RequestOp)op;
    }
}
