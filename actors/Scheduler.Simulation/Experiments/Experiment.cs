using System.Runtime.ExceptionServices;
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>
/// Runs experiments: for each policy and seed a run with all guests, and for each seed and group a run of the group's first
/// guest alone. A run is on one thread, and depends on the spec, the policy and the seed only.
/// </summary>
/// <remarks>Guests alone run under <see cref="PolicyKind.Fair"/>, whatever the policies are: one yardstick for all of them, so
/// that a policy which slows a guest down even where there is nobody to be fair to does not look better for it.</remarks>
public static class Experiment
{
    private const int StepsAtOnce = 20_000;

    /// <summary>Runs an experiment.</summary>
    /// <param name="spec">What to run.</param>
    /// <param name="progress">Hears how far it has come, from any thread, one call at a time; null for nobody.</param>
    /// <param name="cancellation">Ends the runs that go on and begins no other; the report then has what had finished.</param>
    /// <param name="threads">Threads to use; 0 for one for each core.</param>
    /// <returns>What came out.</returns>
    /// <exception cref="ArgumentException">The spec is not one that can be run.</exception>
    public static ExperimentReport Run(
        ExperimentSpec spec, IProgress<ExperimentProgress>? progress, CancellationToken cancellation, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(spec);
        SpecCheck.Demand(spec);
        IReadOnlyList<GuestPlan> plans = GuestPlan.All(spec);
        int seeds = spec.Seeds.Count;
        int aloneRuns = spec.Alone ? seeds * spec.Groups.Count : 0;
        ProgressMeter meter = new(aloneRuns + (seeds * spec.Policies.Count), progress);

        // By seed and group; all of them before the others, which are measured against them and then let go.
        GuestResult?[][] alone = [.. spec.Seeds.Select(_ => new GuestResult?[spec.Groups.Count])];
        Each(aloneRuns, i =>
        {
            GuestPlan plan = plans.First(plan => plan.GroupIndex == i / seeds);
            alone[i % seeds][i / seeds] = Finish(new ExperimentRun(spec, PolicyKind.Fair, spec.Seeds[i % seeds], [plan]))?.Guests[0];
        });

        RunMetrics?[][] runs = [.. spec.Policies.Select(_ => new RunMetrics?[seeds])];
        Each(seeds * spec.Policies.Count, i =>
        {
            RunResult? result = Finish(new ExperimentRun(spec, spec.Policies[i / seeds], spec.Seeds[i % seeds], plans));
            if (result is not null)
                runs[i / seeds][i % seeds] = RunMeasure.Of(spec, plans, result, alone[i % seeds]);
        });

        return new ExperimentReport
        {
            Name = spec.Name,
            Description = spec.Description,
            Partial = runs.Any(ofPolicy => ofPolicy.Contains(null)) || (spec.Alone && alone.Any(ofSeed => ofSeed.Contains(null))),
            Policies = [.. spec.Policies.Select((policy, i) => ReportBuilder.Of(spec, plans, policy, runs[i])).OfType<PolicyReport>()],
            Expectations = spec.Expectations,
            Speed = meter.Now,
        };

        void Each(int count, Action<int> run)
        {
            ParallelOptions options = new() { MaxDegreeOfParallelism = threads > 0 ? threads : Environment.ProcessorCount };
            try
            {
                _ = Parallel.For(0, count, options, i =>
                {
                    if (!cancellation.IsCancellationRequested)
                        run(i);
                });
            }
            catch (AggregateException exception)
            {
                ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
            }
        }

        RunResult? Finish(ExperimentRun run)
        {
            RunResult? result = null;
            while (result is null && !cancellation.IsCancellationRequested)
            {
                long requests = run.Requests;
                result = run.Advance(StepsAtOnce);
                meter.Add(run.Requests - requests, finished: result is not null);
            }

            return result;
        }
    }
}
