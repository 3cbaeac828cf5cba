namespace Scheduler.Interop.Tests.Harness;

/// <summary>
/// Tests that measure rates or latencies, which others on the same processors would change, or that need all processors: one at a
/// time, after all others.
/// </summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
