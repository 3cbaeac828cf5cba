using Scheduler.Host;
using Scheduler.Host.CommandLine;
using Scheduler.Host.Cluster;

using StopSignals signals = new();
return await SchedulerCommandLine.RunAsync(args, Console.Out, Console.Error, (source, cancellation) => ServiceRunner.RunAsync(source, ClusterEngine.Create, cancellation), signals.Token);
