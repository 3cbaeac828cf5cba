namespace Scheduler.Simulation;

/// <summary>How far an experiment has come, in real time.</summary>
/// <param name="RunsDone">Runs that finished, those of guests alone included.</param>
/// <param name="Runs">Runs in all.</param>
/// <param name="Requests">Requests answered in all runs so far.</param>
/// <param name="Elapsed">Real time.</param>
/// <param name="CpuTime">Time that the process had a core, since the experiment began: of all its threads.</param>
public sealed record ExperimentProgress(int RunsDone, int Runs, long Requests, TimeSpan Elapsed, TimeSpan CpuTime)
{
    /// <summary>Requests simulated in a second of CPU time: what one core does, however busy the machine is.</summary>
    public double RequestsPerCpuSecond => Requests / Math.Max(1e-9, CpuTime.TotalSeconds);
}
