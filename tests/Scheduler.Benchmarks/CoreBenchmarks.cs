using BenchmarkDotNet.Attributes;

namespace Scheduler.Benchmarks;

/// <summary>Cost of the core per request: its arrival and its completion, 64 guests. The target is below 1 us.</summary>
[MemoryDiagnoser]
public class CoreBenchmarks
{
    private const int Requests = 100_000;

    private CoreLoad _load = null!;

    /// <summary>What the guests ask for.</summary>
    [Params(CoreMix.Reads, CoreMix.Flushes, CoreMix.Barriers)]
    public CoreMix Mix { get; set; }

    /// <summary>Requests outstanding of each guest.</summary>
    [Params(8, 64)]
    public int Outstanding { get; set; }

    /// <summary>Brings the load to its steady state.</summary>
    [GlobalSetup]
    public void WarmUp()
    {
        _load = new CoreLoad(Mix, outstanding: Outstanding);
        _ = _load.Run(Requests);
    }

    /// <summary>Submits and completes requests.</summary>
    /// <returns>Requests answered.</returns>
    [Benchmark(OperationsPerInvoke = Requests)]
    public long Request() => _load.Run(Requests);
}
