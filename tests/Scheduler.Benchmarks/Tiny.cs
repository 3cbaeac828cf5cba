namespace Scheduler.Benchmarks;

/// <summary>Every benchmark's body, once and short, so that none of them can rot.</summary>
public static class Tiny
{
    private const int Requests = 2_000;

    /// <summary>Runs them.</summary>
    /// <param name="output">Where a line for each goes.</param>
    public static void Run(TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        foreach (CoreMix mix in Enum.GetValues<CoreMix>())
        {
            CoreLoad load = new(mix);
            output.WriteLine($"core {mix}: {load.Run(Requests)} requests, {load.Steps} steps, {load.DeviceFlushes} device flushes");
        }
    }
}
