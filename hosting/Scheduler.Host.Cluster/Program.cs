using Scheduler.Host;
using Scheduler.Host.Cluster;
using Scheduler.Host.CommandLine;

using StopSignals signals = new();
return await SchedulerCommandLine.RunAsync(args, Console.Out, Console.Error, (source, cancellation) => ServiceRunner.RunAsync(source, ClusterEngine.Create, cancellation), signals.Token);
