namespace Scheduler.Simulation;

/// <summary>How far an experiment has come, in real time.</summary>
/// <param name="RunsDone">Runs that finished, those of guests alone included.</param>
/// <param name="Runs">Runs in all.</param>
/// <param name="Requests">Requests answered in all runs so far.</param>
/// <param name="Elapsed">Real time.</param>
/// <param name="ThreadTime">Real time that threads spent in runs: a run is on one thread.</param>
public sealed record ExperimentProgress(int RunsDone, int Runs, long Requests, TimeSpan Elapsed, TimeSpan ThreadTime)
{
    /// <summary>Requests simulated in a second of real time by one thread, and so by one core where each has its own.</summary>
    public double RequestsPerSecondAndCore => Requests / Math.Max(1e-9, ThreadTime.TotalSeconds);
}
