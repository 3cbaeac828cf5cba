using Scheduler.Host;
using Scheduler.Host.CommandLine;

using StopSignals signals = new();
return await SchedulerCommandLine.RunAsync(args, Console.Out, Console.Error, ServiceRunner.RunAsync, signals.Token);
