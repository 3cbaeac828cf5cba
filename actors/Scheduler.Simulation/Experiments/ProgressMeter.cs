using System.Diagnostics;

namespace Scheduler.Simulation;

/// <summary>Counts what the threads of an experiment do, and tells of it now and then, and of each finished run. Thread-safe.</summary>
internal sealed class ProgressMeter(int runs, IProgress<ExperimentProgress>? progress)
{
    private static readonly TimeSpan _reportEvery = TimeSpan.FromMilliseconds(200);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly TimeSpan _cpuTimeBefore = Environment.CpuUsage.TotalTime;
    private readonly Lock _lock = new();
    private int _done;
    private long _requests;
    private TimeSpan _reportedAt;

    /// <summary>How far it has come.</summary>
    public ExperimentProgress Now
    {
        get
        {
            lock (_lock)
                return Snapshot();
        }
    }

    /// <summary>A thread has gone on with a run.</summary>
    public void Add(long requests, bool finished)
    {
        lock (_lock)
        {
            _requests += requests;
            if (finished)
                _done++;
            if (progress is null || (!finished && _clock.Elapsed - _reportedAt < _reportEvery))
                return;
            _reportedAt = _clock.Elapsed;
            progress.Report(Snapshot());
        }
    }

    private ExperimentProgress Snapshot() => new(_done, runs, _requests, _clock.Elapsed, Environment.CpuUsage.TotalTime - _cpuTimeBefore);
}
