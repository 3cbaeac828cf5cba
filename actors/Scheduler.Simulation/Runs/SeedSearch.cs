using System.Diagnostics;

namespace Scheduler.Simulation;

/// <summary>How far a search has come.</summary>
/// <param name="Seeds">Seeds that were run.</param>
/// <param name="Steps">Steps of all their runs.</param>
/// <param name="Requests">Requests of all their runs.</param>
/// <param name="Elapsed">Real time.</param>
/// <param name="Threads">Threads that run seeds, a core each.</param>
/// <param name="Failed">The failed run with the lowest seed, or null.</param>
public sealed record SeedProgress(int Seeds, long Steps, long Requests, TimeSpan Elapsed, int Threads, SimulationResult? Failed)
{
    /// <summary>Requests in a second of real time and on one core.</summary>
    public double RequestsPerSecondAndCore => Requests / Math.Max(1e-9, Elapsed.TotalSeconds) / Threads;
}

/// <summary>Runs one seed after another, on several threads, until time is up or one fails.</summary>
/// <param name="first">The first run; the others differ in the seed, which counts up.</param>
public sealed class SeedSearch(SimulationOptions first)
{
    private readonly Lock _lock = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private int _taken;
    private int _seeds;
    private int _threads = 1;
    private long _steps;
    private long _requests;
    private SimulationResult? _failed;

    /// <summary>How far it has come. From any thread.</summary>
    public SeedProgress Progress
    {
        get
        {
            lock (_lock)
                return new SeedProgress(_seeds, _steps, _requests, _clock.Elapsed, _threads, _failed);
        }
    }

    /// <summary>Runs seeds. A run that has begun is finished.</summary>
    /// <param name="duration">Until when new seeds are begun; the first one is in any case.</param>
    /// <param name="threads">Threads to use.</param>
    /// <param name="cancellation">Begins no new seed.</param>
    /// <returns>What was done.</returns>
    public SeedProgress Run(TimeSpan duration, int threads, CancellationToken cancellation)
    {
        lock (_lock)
            _threads = threads;
        _ = Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, _ => Work(duration, cancellation));
        return Progress;
    }

    private void Work(TimeSpan duration, CancellationToken cancellation)
    {
        while (true)
        {
            int number;
            lock (_lock)
            {
                if (_failed is not null || (_taken > 0 && (_clock.Elapsed >= duration || cancellation.IsCancellationRequested)))
                    return;
                number = _taken++;
            }

            SimulationResult result = Simulation.Run(first with { Seed = unchecked(first.Seed + number) });
            lock (_lock)
            {
                _seeds++;
                _steps += result.Steps;
                _requests += result.Requests;
                if (result.Failed && (_failed is null || result.Options.Seed < _failed.Options.Seed))
                    _failed = result;
            }
        }
    }
}
