using System.Globalization;
using Akka.Cluster.Hosting;
using Akka.Cluster.Hosting.SBR;
using Akka.Hosting;
using Akka.Remote.Hosting;
using Scheduler.Actors.Akka;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.Cluster;

/// <summary>What Akka.NET is told of a node.</summary>
internal static class AkkaNode
{
    /// <summary>Sets up the actor system.</summary>
    /// <param name="builder">Its builder.</param>
    /// <param name="cluster">The node.</param>
    /// <param name="persistence">The journal.</param>
    public static void Configure(AkkaConfigurationBuilder builder, ClusterSettings cluster, AkkaPersistence persistence) => builder
        .ConfigureLoggers(loggers =>
        {
            loggers.ClearLoggers();
            loggers.AddLoggerFactory();
        })
        .WithSchedulerActors(persistence)
        .WithCustomSerializer("scheduler-cluster", [typeof(IClusterMessage)], system => new ClusterSerializer(system))
        .WithRemoting(cluster.Listen.Address.ToString(), cluster.Listen.Port)
        .WithClustering(new ClusterOptions
        {
            Roles = [.. cluster.Roles],
            SeedNodes = [.. cluster.Seeds.Select(seed => $"akka.tcp://{cluster.Name}@{seed}")],
            SplitBrainResolver = new KeepMajorityOption(),
            LogInfo = true,
        })
        .AddHocon(
            $$"""
            akka {
              # Signals are the service's.
              coordinated-shutdown.run-by-clr-shutdown-hook = off
              coordinated-shutdown.exit-clr = off

              # When all nodes stop at once the oldest waits for one to hand sharding's coordinator over to; the next oldest takes it also
              # when that is gone.
              coordinated-shutdown.phases.cluster-exiting.timeout = 4s
              cluster {
                leader-actions-interval = 250ms
                unreachable-nodes-reaper-interval = 250ms
                failure-detector {
                  heartbeat-interval = 500ms
                  acceptable-heartbeat-pause = {{Milliseconds(cluster.DetectAfter)}}
                }
                split-brain-resolver.stable-after = {{Milliseconds(cluster.StableAfter)}}
                split-brain-resolver.down-all-when-unstable = off
                run-coordinated-shutdown-when-down = on

                # Whether an earlier owner has ended is for the lease and the fence to say: there is nothing more to wait for.
                down-removal-margin = 1ms
                sharding {
                  # Which shard is where is the members' own knowledge, and lives as long as they do: who owns a volume is
                  # for its lease to say.
                  state-store-mode = ddata
                  remember-entities = off
                  passivate-idle-entity-after = off
                  rebalance-interval = 2s

                  # What is not delivered soon is asked again by who asked.
                  buffer-size = 1000

                  # Guests wait: what was asked of a node that is gone is asked again soon.
                  retry-interval = 500ms
                  coordinator-failure-backoff = 500ms
                  shard-failure-backoff = 500ms
                }
                singleton.hand-over-retry-interval = 200ms
                singleton.min-number-of-hand-over-retries = 50
              }
            }
            """,
            HoconAddMode.Prepend);

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalMilliseconds}ms");
}
