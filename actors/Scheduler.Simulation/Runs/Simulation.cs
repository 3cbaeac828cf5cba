namespace Scheduler.Simulation;

/// <summary>Runs the volume's actors and core, unchanged, in virtual time over devices that fail and lose power, and checks
/// what they promise.</summary>
public static class Simulation
{
    /// <summary>Makes one run.</summary>
    /// <param name="options">What it is made from.</param>
    /// <param name="tableLines">Most lines of its table.</param>
    /// <returns>How it ended.</returns>
    public static SimulationResult Run(SimulationOptions options, int tableLines = 80)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Scheduler.Simulation.Run.Execute(options, tableLines);
    }

    /// <summary>Looks for the shortest run that fails like this one: same seed, fewer steps before the faults stop.</summary>
    /// <param name="failed">A run that failed.</param>
    /// <returns>The shortest one found; <paramref name="failed"/> itself if there is none.</returns>
    public static SimulationResult Shorten(SimulationResult failed)
    {
        ArgumentNullException.ThrowIfNull(failed);
        SimulationResult shortest = failed;
        int tooFew = -1;
        int fails = Math.Min(failed.Options.Steps, failed.Steps);
        while (fails - tooFew > 1)
        {
            int middle = tooFew + ((fails - tooFew) / 2);
            SimulationResult run = Run(failed.Options with { Steps = middle });
            if (run.Rule == failed.Rule)
            {
                shortest = run;
                fails = middle;
            }
            else
            {
                tooFew = middle;
            }
        }

        return shortest;
    }
}
